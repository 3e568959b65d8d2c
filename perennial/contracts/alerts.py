"""Alerts: what people are to know of, and its way to them.

A workflow raises an alert by one local activity: one transaction that keeps the alert and, in the
same, what is to be sent to whom (an outbox). Sending is somebody else's: `workflows/alerts.py`. So
no workflow waits for a receiver, and nothing that was raised gets lost.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import Field
from temporalio import activity

from perennial.contracts.alert_plan import Severity
from perennial.contracts.base import Contract, Json, Utc
from perennial.contracts.records import Done
from perennial.contracts.spec import Environment

ALERTS_WORKFLOW = "Alerts"

AlertKind = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z-]{0,39}$",
        examples=["drift", "quality", "concept", "retrain", "rollback", "rollout", "approval"],
    ),
]
AlertStatus = Literal["open", "acknowledged", "closed"]
DeliveryStatus = Literal["pending", "sent", "failed", "suppressed"]
DeliveryCause = Literal["raised", "worse", "repeated", "escalated"]
"""Why a channel is told: it is new, more severe than it was, still raised, or nobody answered."""


class RaiseAlert(Contract):
    """Something that people are to know of.

    Attributes:
        kind: what it is about.
        key: tells it from other alerts of the kind: the same key again is the same alert again.
        body: plain text.
        links: addresses by name; one that begins with `/` is a path of the API.
    """

    effect: str
    model: str
    environment: Environment | None = None
    severity: Severity
    kind: AlertKind
    key: str = Field(min_length=1, max_length=300)
    title: str = Field(min_length=1)
    body: str = ""
    detail: Json = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)
    at: Utc


class CloseAlert(Contract):
    """What an alert was about is over; nothing happens where there is no such alert."""

    model: str
    environment: Environment | None = None
    kind: AlertKind
    key: str
    reason: str = ""
    at: Utc


class Alert(Contract):
    """An alert as it stands.

    Attributes:
        severity: the highest that it had.
        raised: how often it was raised.
    """

    alert_id: str
    model: str
    environment: Environment | None = None
    severity: Severity
    kind: str
    key: str
    status: AlertStatus
    raised: int
    first_at: Utc
    last_at: Utc


class Acknowledge(Contract):
    """Somebody takes care of an alert."""

    effect: str
    alert_id: str
    actor: str
    comment: str = ""
    at: Utc


class SetSilence(Contract):
    """Send nothing of certain alerts until a time.

    Attributes:
        model: whose alerts; none: those of all models.
        pattern: of `kind/key`, with `*` and `?`.
    """

    effect: str
    model: str | None = None
    pattern: str = "*"
    until: Utc
    actor: str
    reason: str
    at: Utc


class EndSilence(Contract):
    """Send again."""

    effect: str
    silence_id: str
    actor: str
    at: Utc


class Told(Contract):
    """An alert in a message."""

    alert_id: str
    environment: Environment | None
    severity: Severity
    kind: str
    key: str
    title: str
    body: str
    detail: Json
    links: dict[str, str]
    raised: int
    first_at: Utc
    last_at: Utc
    cause: DeliveryCause


class Message(Contract):
    """What goes to a channel at once: the alerts of one model that came close together.

    Attributes:
        message_id: the same at each attempt, so that a receiver can tell a repeat.
        attempt: from 1.
    """

    message_id: str
    channel: str
    model: str
    owners: tuple[str, ...]
    attempt: int
    alerts: tuple[Told, ...]


class DeliverAlerts(Contract):
    """Send what is to be sent, for so long; 0: look once."""

    seconds: float = Field(default=3600.0, ge=0)


class Delivered(Contract):
    """How many messages were taken, and how many attempts were not."""

    sent: int = 0
    refused: int = 0


def alert_id(effect: str) -> str:
    """The alert that an effect raises first."""
    return f"a-{_hash(f'alert/{effect}')}"


def silence_id(effect: str) -> str:
    """The silence that an effect sets."""
    return f"s-{_hash(f'silence/{effect}')}"


def delivery_id(alert: str, cause: str, count: int, channel: str) -> str:
    """One telling of an alert to one channel."""
    return f"msg_{_hash(f'{alert}/{cause}/{count}/{channel}', 24)}"


def identity(model: str, environment: str | None, kind: str, key: str) -> str:
    """What makes two alerts the same."""
    return f"{model}/{environment or '-'}/{kind}/{key}"


def _hash(text: str, digits: int = 12) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


@activity.defn(name="raise_alert")
async def raise_alert(input: RaiseAlert) -> Alert:
    """Keep an alert and whom it goes to. Meant as a local activity. Raises NotFound."""
    raise NotImplementedError


@activity.defn(name="close_alert")
async def close_alert(input: CloseAlert) -> Done:
    """Keep that an alert is over."""
    raise NotImplementedError


@activity.defn(name="deliver_alerts")
async def deliver_alerts(input: DeliverAlerts) -> Delivered:
    """Send what is to be sent, again and again until the time is over."""
    raise NotImplementedError
