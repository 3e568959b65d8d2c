"""Which monitors have labels to look at: one question for all, where each had its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, exists, func
from sqlmodel import Session, col, select

from api.db.facts.monitored import champions_with_specs
from api.db.monitoring_tables import LabelRow, WindowRow
from api.db.tables import ChampionRow
from perennial.contracts.base import Json
from perennial.contracts.monitoring import ReadMonitored

_LABELS: Table = LabelRow.__table__  # type: ignore[attr-defined]


def monitors_with_labels(session: Session, now: datetime) -> tuple[ReadMonitored, ...]:
    """Environments whose champion has windows in the records, and labels that are due.

    Only those whose windows end by the clock: where events tell the time, the monitor looks by
    itself. One whose first window is not over yet has nothing that its labels could be of.
    """
    row = _LABELS.c
    mine = and_(row.model == ChampionRow.model, row.due_at <= now)
    waiting = exists().where(mine, row.status == "waiting")
    oldest = (
        select(func.min(row.request_at))
        .where(mine, row.status == "joined", row.environment == ChampionRow.environment)
        .scalar_subquery()
    )
    query = champions_with_specs().add_columns(waiting, oldest)
    found = session.execute(query.where(waiting | oldest.is_not(None))).all()
    return tuple(
        ReadMonitored.model_validate({"model": champion.model, "environment": champion.environment})
        for champion, spec, looked_for, joined in found
        if _sleeps(spec.spec, champion.environment)
        and (until := _judged_until(session, champion)) is not None
        and (looked_for or joined < until)
    )


def _sleeps(spec: Json, environment: str) -> bool:
    """Whether a monitor waits for the clock, and measures labels; as the spec was stored."""
    plan: dict[str, Any] = spec.get("monitoring") or {}
    watched = environment in plan.get("environments", ())
    return watched and plan.get("clock") == "wall" and plan.get("quality") is not None


def _judged_until(session: Session, champion: ChampionRow) -> datetime | None:
    """End of the champion's newest window since it became champion."""
    return session.exec(
        select(WindowRow.end)
        .where(
            WindowRow.model == champion.model,
            WindowRow.environment == champion.environment,
            WindowRow.version == champion.version,
            col(WindowRow.judged_at) >= champion.since,
        )
        .order_by(col(WindowRow.start).desc())
        .limit(1)
    ).first()
