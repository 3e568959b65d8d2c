"""The tables of alerts: what was raised, what goes to whom, and what is not to be sent."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, Index
from sqlmodel import Field

from api.db.columns import AnyText, UtcDateTime, one_of
from api.db.table import Json, Table
from perennial.contracts.alert_plan import Severity
from perennial.contracts.alerts import AlertStatus, DeliveryCause, DeliveryStatus
from perennial.contracts.spec import Environment


class AlertRow(Table, table=True):
    """An alert. `identity` tells which raised ones are the same; one of each lives at a time.

    `sent_at`: when it was last put into the outbox. `muted`: a silence kept that from being sent.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        one_of("status", AlertStatus),
        one_of("severity", Severity),
        one_of("environment", Environment, optional=True),
        CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("raised > 0", name="raised"),
        Index(None, "first_at", "alert_id"),
        Index(None, "escalate_at"),
    )

    alert_id: str = Field(primary_key=True)
    model: str = Field(foreign_key="models.name")
    environment: str | None = None
    severity: str
    kind: str
    key: str = Field(sa_type=AnyText)
    identity: str = Field(sa_type=AnyText)
    title: str = Field(sa_type=AnyText)
    body: str = Field(default="", sa_type=AnyText)
    detail: Json = Field(sa_type=JSON)
    links: Json = Field(sa_type=JSON)
    status: str
    raised: int = 1
    first_at: datetime = Field(sa_type=UtcDateTime)
    last_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    muted: bool = False
    escalate_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    comment: str = Field(default="", sa_type=AnyText)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    closed_because: str = Field(default="", sa_type=AnyText)


class AlertRaiseRow(Table, table=True):
    """An effect that raised an alert: delivered again, it raises nothing."""

    __tablename__ = "alert_raises"

    effect: str = Field(primary_key=True)
    alert_id: str = Field(foreign_key="alerts.alert_id", index=True)
    at: datetime = Field(sa_type=UtcDateTime)


class DeliveryRow(Table, table=True):
    """The outbox: one telling of an alert to one channel.

    Rows with the same `message` go together. `next_at`: not to be tried before; whoever takes a
    message puts it ahead, so that nobody else does, and somebody does should the taker die.
    """

    __tablename__ = "deliveries"
    __table_args__ = (
        one_of("status", DeliveryStatus),
        one_of("cause", DeliveryCause),
        Index(None, "status", "next_at"),
        Index(None, "alert_id"),
        Index(None, "message"),
    )

    delivery_id: str = Field(primary_key=True)
    alert_id: str = Field(foreign_key="alerts.alert_id")
    model: str
    channel: str
    cause: str
    status: str
    message: str | None = None
    attempts: int = 0
    next_at: datetime = Field(sa_type=UtcDateTime)
    last_error: str = Field(default="", sa_type=AnyText)
    created_at: datetime = Field(sa_type=UtcDateTime)
    sent_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class SilenceRow(Table, table=True):
    """Alerts that are not sent for a while; `model` None: of every model."""

    __tablename__ = "silences"
    __table_args__ = (
        CheckConstraint("until >= since", name="period"),
        Index(None, "since", "silence_id"),
    )

    silence_id: str = Field(primary_key=True)
    model: str | None = Field(default=None, foreign_key="models.name")
    pattern: str = Field(sa_type=AnyText)
    actor: str
    reason: str = Field(default="", sa_type=AnyText)
    since: datetime = Field(sa_type=UtcDateTime)
    until: datetime = Field(sa_type=UtcDateTime)
    ended_by: str | None = None


# one alert of each identity lives at a time
Index(
    "uq_alerts_living",
    AlertRow.__table__.c.identity,  # type: ignore[attr-defined]
    unique=True,
    sqlite_where=AlertRow.__table__.c.closed_at.is_(None),  # type: ignore[attr-defined]
    postgresql_where=AlertRow.__table__.c.closed_at.is_(None),  # type: ignore[attr-defined]
)
