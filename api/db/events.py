"""What happens in a run, numbered without gaps, for those who watch it live."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from api.db.tables import EventName, RunEventRow, RunRow
from perennial.contracts.base import Json


def append(
    session: Session, run_id: str | None, event: EventName, at: datetime, data: Json
) -> None:
    """Add an event to a run; does nothing when the run is not known.

    The number comes from the run's own row: whoever commits later has the higher number, so a
    reader who goes on from the last number it has seen misses nothing.
    """
    if run_id is None:
        return
    seq = session.execute(
        update(RunRow)
        .where(col(RunRow.run_id) == run_id)
        .values(events=RunRow.events + 1)
        .returning(col(RunRow.events))
    ).scalar_one_or_none()
    if seq is None:
        return
    stamp = at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    body = finite({"at": stamp, **data})
    session.add(RunEventRow(run_id=run_id, seq=seq, event=event, data=body))
    session.flush()


def after(session: Session, run_id: str, seq: int, limit: int = 500) -> list[RunEventRow]:
    """The events of a run behind number `seq`, in order."""
    rows = session.exec(
        select(RunEventRow)
        .where(RunEventRow.run_id == run_id, RunEventRow.seq > seq)
        .order_by(col(RunEventRow.seq))
        .limit(limit)
    )
    return list(rows)


def finite(value: Any) -> Any:
    """The value with NaN and infinity as text: JSON has neither, and a diverging loss is one."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
