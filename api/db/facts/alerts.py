"""Alerts: raised, raised again, acknowledged, over; and in the same transaction, whom they go to.

An alert that is raised again while it lives is the same one. It is sent again when it has become
more severe, and after the plan's `repeat` while nobody has acknowledged it. One that was not raised
for that long is over, and the next one is new: what was acknowledged last month hides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from api.db import journal
from api.db.alert_tables import AlertRaiseRow, AlertRow, DeliveryRow
from api.db.facts.silences import is_silent, silences_of
from api.db.facts.specs import get_model
from api.db.tables import SpecRow
from perennial.contracts.alert_plan import AlertPlan, rank
from perennial.contracts.alerts import (
    Acknowledge,
    Alert,
    CloseAlert,
    DeliveryCause,
    RaiseAlert,
    alert_id,
    delivery_id,
    identity,
)
from perennial.contracts.base import Json
from perennial.contracts.errors import KeyReused, NotFound, Refused
from perennial.contracts.records import Done
from perennial.contracts.spec_part import duration

GROUP = timedelta(seconds=5)
"""How long an alert waits for others of its model, to go out with them. Critical ones do not."""

_REPEAT = timedelta(hours=24)
"""Of a model whose spec has no plan for alerts."""


def get_alert(session: Session, id_: str) -> AlertRow:
    """The row of an alert. Raises NotFound."""
    row = session.get(AlertRow, id_)
    if row is None:
        raise NotFound(f"there is no alert {id_!r}; `perennial alerts` lists them")
    return row


def read_plan(session: Session, model: str) -> tuple[AlertPlan | None, tuple[str, ...]]:
    """Whom the spec that counts now tells of alerts, and the model's owners. Raises NotFound."""
    version = get_model(session, model).spec_version
    spec: Json = session.get_one(SpecRow, (model, version)).spec
    plan = spec.get("alerts")
    return None if plan is None else AlertPlan.model_validate(plan), tuple(spec["owners"])


def raise_alert(session: Session, input: RaiseAlert) -> Alert:
    """Keep an alert, and whom it goes to. Raises NotFound."""
    if seen := session.get(AlertRaiseRow, input.effect):
        return _alert(session.get_one(AlertRow, seen.alert_id))
    plan, _ = read_plan(session, input.model)
    repeat = _REPEAT if plan is None else duration(plan.repeat)
    row = _living(session, input.model, input.environment, input.kind, input.key)
    if row is not None and input.at - row.last_at > repeat:
        _close(session, row, input.at, f"it was not raised for {plan.repeat if plan else '24h'}")
        row = None
    silent = is_silent(made := row or _made(input), silences_of(session, input.model, input.at))
    cause = _again(made, input, repeat, silent=silent) if row else "raised"
    session.add(made)
    session.flush()
    session.add(AlertRaiseRow(effect=input.effect, alert_id=made.alert_id, at=input.at))
    if cause is not None:
        made.muted = silent
        if plan is not None:
            channels = plan.channels_for(made.severity)
            tell(session, made, cause, channels, input.at, silent=silent)
            _plan_escalation(made, plan, input.at, silent=silent)
    if made.severity == "critical" and (row is None or cause == "worse"):
        _record(session, made, input)
    session.flush()
    return _alert(made)


def close_alert(session: Session, input: CloseAlert) -> Done:
    """An alert is over; one that was raised later than this is another matter."""
    row = _living(session, input.model, input.environment, input.kind, input.key)
    if row is not None and row.last_at <= input.at:
        _close(session, row, input.at, input.reason)
    return Done()


def close_all(
    session: Session,
    model: str,
    environment: str | None,
    kinds: Sequence[str],
    at: datetime,
    because: str,
    *,
    key: str | None = None,
) -> None:
    """Alerts of these kinds are over, those of one key or of all; later ones are another matter."""
    rows = session.exec(
        select(AlertRow).where(
            AlertRow.model == model,
            AlertRow.environment == environment,
            col(AlertRow.kind).in_(kinds),
            col(AlertRow.closed_at).is_(None),
            AlertRow.last_at <= at,
        )
    ).all()
    for row in rows:
        if key is None or row.key == key:
            _close(session, row, at, because)


def acknowledge(session: Session, input: Acknowledge) -> None:
    """Somebody takes care of it. Raises NotFound, Refused, KeyReused."""
    if body := journal.find(session, input.effect, "alert.acknowledged"):
        if (body["alert_id"], body["comment"]) != (input.alert_id, input.comment):
            raise KeyReused("this key acknowledged another alert already; use another one")
        return
    row = get_alert(session, input.alert_id)
    if row.status == "acknowledged":
        raise Refused(
            f"{row.acknowledged_by} acknowledged alert {row.alert_id} "
            f"{row.acknowledged_at:%Y-%m-%d %H:%M} UTC; talk to them"
        )
    if row.status == "closed":
        raise Refused(f"alert {row.alert_id} is over: {row.closed_because or 'it was closed'}")
    row.status, row.escalate_at = "acknowledged", None
    row.acknowledged_by, row.acknowledged_at, row.comment = input.actor, input.at, input.comment
    session.add(row)
    _withdraw(session, row, ("repeated", "escalated"))
    journal.append(
        session,
        at=input.at,
        actor=input.actor,
        kind="alert.acknowledged",
        model=row.model,
        subject=row.alert_id,
        body={"alert_id": row.alert_id, "comment": input.comment},
        effect=input.effect,
    )


def tell(
    session: Session,
    row: AlertRow,
    cause: DeliveryCause,
    channels: Iterable[str],
    at: datetime,
    *,
    silent: bool = False,
) -> None:
    """Put an alert into the outbox; a silence leaves it there as `suppressed`."""
    wait = timedelta() if row.severity == "critical" or cause == "escalated" else GROUP
    for channel in channels:
        session.add(
            DeliveryRow(
                delivery_id=delivery_id(row.alert_id, cause, row.raised, channel),
                alert_id=row.alert_id,
                model=row.model,
                channel=channel,
                cause=cause,
                status="suppressed" if silent else "pending",
                next_at=at + wait,
                created_at=at,
            )
        )
        if not silent:
            row.sent_at = at
    session.add(row)
    session.flush()


def _living(
    session: Session, model: str, environment: str | None, kind: str, key: str
) -> AlertRow | None:
    return session.exec(
        select(AlertRow).where(
            col(AlertRow.identity) == identity(model, environment, kind, key),
            col(AlertRow.closed_at).is_(None),
        )
    ).first()


def _made(input: RaiseAlert) -> AlertRow:
    return AlertRow(
        **input.model_dump(exclude={"effect", "at"}),
        alert_id=alert_id(input.effect),
        identity=identity(input.model, input.environment, input.kind, input.key),
        status="open",
        first_at=input.at,
        last_at=input.at,
    )


def _again(
    row: AlertRow, input: RaiseAlert, repeat: timedelta, *, silent: bool
) -> DeliveryCause | None:
    """The same alert once more; why it is to be told again, if it is."""
    row.raised += 1
    row.last_at = max(row.last_at, input.at)
    row.title, row.body = input.title, input.body
    row.detail, row.links = input.detail, dict(input.links)
    if rank(input.severity) > rank(row.severity):
        row.severity, row.status, row.escalate_at = input.severity, "open", None
        return "worse"
    if row.status != "open" or (silent and row.muted):
        return None
    if row.sent_at is None:
        return "raised"  # what kept it from being sent, such as a silence, is over
    return "repeated" if row.muted or input.at - row.sent_at >= repeat else None


def _plan_escalation(row: AlertRow, plan: AlertPlan, at: datetime, *, silent: bool) -> None:
    first = row.escalate_at is None and row.sent_at == at
    if plan.escalate_after is not None and first and not silent and row.severity != "low":
        row.escalate_at = at + duration(plan.escalate_after)


def _close(session: Session, row: AlertRow, at: datetime, because: str) -> None:
    row.status, row.closed_at, row.closed_because = "closed", at, because
    row.escalate_at = None
    session.add(row)
    _withdraw(session, row, ("raised", "worse", "repeated", "escalated"))


def _withdraw(session: Session, row: AlertRow, causes: Iterable[DeliveryCause]) -> None:
    """What nobody has tried to send yet needs not be sent any more."""
    session.execute(
        update(DeliveryRow)
        .where(
            col(DeliveryRow.alert_id) == row.alert_id,
            col(DeliveryRow.status) == "pending",
            col(DeliveryRow.attempts) == 0,
            col(DeliveryRow.cause).in_(tuple(causes)),
        )
        .values(status="suppressed", last_error=f"the alert is {row.status}")
    )
    session.flush()


def _record(session: Session, row: AlertRow, input: RaiseAlert) -> None:
    """What is critical is a fact of the ledger; the others are a view."""
    journal.append(
        session,
        at=input.at,
        actor=journal.PLATFORM,
        kind="alert.raised",
        model=row.model,
        subject=row.alert_id,
        body={
            "environment": row.environment,
            "kind": row.kind,
            "key": row.key,
            "title": row.title,
        },
        effect=f"alert/{input.effect}",
    )


def _alert(row: AlertRow) -> Alert:
    return Alert.model_validate(row.model_dump())
