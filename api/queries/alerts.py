"""Alerts with their deliveries, and silences."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from api.db.alert_tables import AlertRow, DeliveryRow, SilenceRow
from api.db.facts.alerts import get_alert
from api.db.facts.silences import get_silence
from api.queries.paging import page
from api.schemas.alerts import AlertDetail, AlertSummary, DeliveryDetail, Silence
from api.schemas.base import Page


def list_alerts(
    session: Session, cursor: str | None, limit: int, **only: str | None
) -> Page[AlertSummary]:
    """Alerts by when they were raised first, newest first."""
    statement = select(AlertRow)
    for column, value in only.items():
        if value is not None:
            statement = statement.where(col(getattr(AlertRow, column)) == value)
    key = [col(AlertRow.first_at), col(AlertRow.alert_id)]
    rows, after = page(session, statement, key, cursor, limit)
    return Page(items=[AlertSummary.model_validate(row) for row in rows], next_cursor=after)


def read_alert(session: Session, alert_id: str) -> AlertDetail:
    """An alert, and to whom it was sent. Raises NotFound."""
    row = get_alert(session, alert_id)
    deliveries = session.scalars(
        select(DeliveryRow)
        .where(col(DeliveryRow.alert_id) == alert_id)
        .order_by(col(DeliveryRow.created_at).desc(), col(DeliveryRow.channel))
        .limit(200)
    )
    return AlertDetail.model_validate(
        {**row.model_dump(), "deliveries": [DeliveryDetail.model_validate(d) for d in deliveries]}
    )


def list_silences(
    session: Session, cursor: str | None, limit: int, *, now: datetime | None
) -> Page[Silence]:
    """Silences, newest first; with `now` only those that hold."""
    statement = select(SilenceRow)
    if now is not None:
        statement = statement.where(col(SilenceRow.until) > now)
    key = [col(SilenceRow.since), col(SilenceRow.silence_id)]
    rows, after = page(session, statement, key, cursor, limit)
    return Page(items=[Silence.model_validate(row) for row in rows], next_cursor=after)


def read_silence(session: Session, silence_id: str) -> Silence:
    """A silence. Raises NotFound."""
    return Silence.model_validate(get_silence(session, silence_id))
