"""The outbox of alerts: what is due, who sends it, and what came of that.

Whoever claims a message puts its time ahead by a lease. If they die before they mark it, it is due
again, and goes out again under the same id: at least once, and a receiver can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from api.db.alert_tables import AlertRow, DeliveryRow
from api.db.facts.alerts import read_plan, tell
from api.db.facts.silences import is_silent, silences_of
from perennial.contracts.alert_plan import rank
from perennial.contracts.alerts import Message, Told

LEASE = timedelta(seconds=60)
"""How long whoever takes a message has; more than a delivery may take."""

WAITS = tuple(
    timedelta(seconds=seconds) for seconds in (5, 30, 2 * 60, 10 * 60, 30 * 60, 2 * 3600, 5 * 3600)
)
"""Between two attempts. After the one behind the last of them, eight hours later, it has failed."""

MOST_TOGETHER = 20
"""Alerts in one message."""


def due_channels(session: Session, now: datetime) -> tuple[str, ...]:
    """Channels that something is to be sent to, in order."""
    found = session.exec(
        select(DeliveryRow.channel)
        .where(col(DeliveryRow.status) == "pending", col(DeliveryRow.next_at) <= now)
        .distinct()
        .order_by(DeliveryRow.channel)
    )
    return tuple(found)


def to_escalate(session: Session, now: datetime) -> bool:
    """Whether an alert has waited for too long."""
    due = select(AlertRow.alert_id).where(col(AlertRow.escalate_at) <= now).limit(1)
    return session.exec(due).first() is not None


def escalate(session: Session, now: datetime) -> None:
    """Tell others of what nobody has acknowledged; what is silent waits on."""
    rows = session.exec(
        select(AlertRow).where(col(AlertRow.escalate_at) <= now).with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        if is_silent(row, silences_of(session, row.model, now)):
            # asked again in a while, and not every second
            row.escalate_at = now + LEASE
            session.add(row)
            continue
        plan, owners = read_plan(session, row.model)
        row.escalate_at = None
        tell(session, row, "escalated", (plan and plan.escalate_to) or owners, now)


def claim(session: Session, channel: str, now: datetime, limit: int) -> tuple[Message, ...]:
    """Take messages to a channel: what failed before as it was, else all of a model at once."""
    due = session.exec(
        select(DeliveryRow)
        .where(
            col(DeliveryRow.status) == "pending",
            col(DeliveryRow.channel) == channel,
            col(DeliveryRow.next_at) <= now,
        )
        .order_by(col(DeliveryRow.next_at), col(DeliveryRow.delivery_id))
        .limit(limit * MOST_TOGETHER)
        .with_for_update(skip_locked=True)
    ).all()
    messages: list[Message] = []
    taken: set[str] = set()
    for row in due:
        if row.delivery_id in taken or len(messages) == limit:
            continue
        together = _together(session, row)
        taken |= {each.delivery_id for each in together}
        if told := _audible(session, together, row.model, now):
            messages.append(_message(session, told, now))
    return tuple(messages)


def mark(session: Session, message: str, error: str, at: datetime) -> None:
    """What came of an attempt."""
    rows = session.exec(
        select(DeliveryRow).where(
            col(DeliveryRow.message) == message, col(DeliveryRow.status) == "pending"
        )
    ).all()
    for row in rows:
        row.last_error = error
        if not error:
            row.status, row.sent_at = "sent", at
        elif row.attempts > len(WAITS):
            row.status = "failed"
        else:
            row.next_at = at + WAITS[row.attempts - 1]
        session.add(row)


def _together(session: Session, row: DeliveryRow) -> Sequence[DeliveryRow]:
    """The rows that go out with one that is due, also those that wait for others still."""
    rows = select(DeliveryRow).where(
        col(DeliveryRow.status) == "pending",
        col(DeliveryRow.channel) == row.channel,
        col(DeliveryRow.model) == row.model,
    )
    if row.message is None:
        rows = rows.where(col(DeliveryRow.message).is_(None)).limit(MOST_TOGETHER)
    else:
        rows = rows.where(col(DeliveryRow.message) == row.message)
    order = col(DeliveryRow.next_at), col(DeliveryRow.delivery_id)
    return session.exec(rows.order_by(*order).with_for_update(skip_locked=True)).all()


def _audible(
    session: Session, rows: Sequence[DeliveryRow], model: str, now: datetime
) -> list[tuple[DeliveryRow, AlertRow]]:
    """Those that no silence is about; the others are not sent."""
    silences = silences_of(session, model, now)
    told = []
    for row in rows:
        alert = session.get_one(AlertRow, row.alert_id)
        if is_silent(alert, silences):
            row.status, row.last_error = "suppressed", "silenced"
            alert.muted = True
            session.add_all((row, alert))
        else:
            told.append((row, alert))
    return told


def _message(session: Session, told: list[tuple[DeliveryRow, AlertRow]], now: datetime) -> Message:
    first = told[0][0]
    message = first.message or first.delivery_id
    for row, _ in told:
        row.message = message
        row.attempts += 1
        row.next_at = now + LEASE
        session.add(row)
    session.flush()
    # an alert that became worse before it was sent is told once, as what it is now
    told.sort(key=lambda pair: (pair[0].created_at, pair[0].cause != "raised"))
    latest = {alert.alert_id: (row, alert) for row, alert in told}.values()
    worst_first = sorted(latest, key=lambda pair: -rank(pair[1].severity))
    return Message(
        message_id=message,
        channel=first.channel,
        model=first.model,
        owners=read_plan(session, first.model)[1],
        attempt=first.attempts,
        alerts=tuple(
            Told.model_validate({**alert.model_dump(), "cause": row.cause})
            for row, alert in worst_first
        ),
    )
