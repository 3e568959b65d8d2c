"""Wishes to train models again."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from api.db.facts.specs import get_model
from api.db.monitoring_tables import TriggerRow
from api.queries.paging import page
from api.schemas.base import Page
from api.schemas.triggers import TriggerDetail


def list_triggers(
    session: Session, cursor: str | None, limit: int, **only: str | None
) -> Page[TriggerDetail]:
    """Wishes, newest first."""
    statement = select(TriggerRow)
    for column, value in only.items():
        if value is not None:
            statement = statement.where(col(getattr(TriggerRow, column)) == value)
    key = [col(TriggerRow.at), col(TriggerRow.trigger_id)]
    rows, after = page(session, statement, key, cursor, limit)
    return Page(items=[TriggerDetail.model_validate(row) for row in rows], next_cursor=after)


def list_of_model(
    session: Session, model: str, cursor: str | None, limit: int, **only: str | None
) -> Page[TriggerDetail]:
    """The wishes of one model, newest first. Raises NotFound."""
    get_model(session, model)
    return list_triggers(session, cursor, limit, model=model, **only)
