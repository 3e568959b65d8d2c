"""The JSON documents of alerts and silences, as `perennial.documents` has the others."""

from __future__ import annotations

from typing import Any, TypedDict

Json = dict[str, Any]


class Alert(TypedDict):
    """What people are to know of; `raised` says how often it came."""

    alert_id: str
    model: str
    environment: str | None
    severity: str
    kind: str
    key: str
    title: str
    status: str
    raised: int
    first_at: str
    last_at: str
    muted: bool
    acknowledged_by: str | None
    acknowledged_at: str | None
    comment: str
    closed_at: str | None
    closed_because: str


class Delivery(TypedDict):
    """One telling of an alert to one channel."""

    delivery_id: str
    channel: str
    cause: str
    status: str
    attempts: int
    next_at: str
    last_error: str
    created_at: str
    sent_at: str | None


class AlertDetail(Alert):
    """An alert, and what became of each message about it."""

    body: str
    detail: Json
    links: dict[str, str]
    escalate_at: str | None
    deliveries: list[Delivery]


class Silence(TypedDict):
    """Alerts that are not sent for a while; `model` None: of every model."""

    silence_id: str
    model: str | None
    pattern: str
    actor: str
    reason: str
    since: str
    until: str
    ended_by: str | None
