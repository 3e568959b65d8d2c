"""Groups, read from the runs of their members."""

from __future__ import annotations

from typing import Literal

from sqlmodel import Session, col, select

from api.db.tables import RunRow
from api.schemas.groups import GroupDetail
from api.schemas.runs import RunSummary
from perennial.contracts.errors import NotFound


def read_group(session: Session, group_id: str) -> GroupDetail:
    """A group. Raises NotFound, also before its first member is asked for."""
    rows = session.scalars(
        select(RunRow).where(RunRow.group_id == group_id).order_by(col(RunRow.model))
    ).all()
    if not rows:
        raise NotFound(f"there is no group {group_id!r}, or none of its runs has been recorded yet")
    status: Literal["under_way", "promoted", "off"] = "under_way"
    if any(row.outcome not in (None, "promoted") for row in rows):
        status = "off"
    elif all(row.outcome == "promoted" for row in rows):
        status = "promoted"
    return GroupDetail(
        group_id=group_id, status=status, runs=[RunSummary.model_validate(row) for row in rows]
    )
