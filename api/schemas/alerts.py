"""Alerts, and silences."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from api.schemas.base import Answer, Ask, Json, Words
from perennial.contracts.alert_plan import Severity
from perennial.contracts.alerts import AlertStatus, DeliveryCause, DeliveryStatus
from perennial.contracts.spec import Environment, Name
from perennial.contracts.spec_part import DurationText, at_most

_Silent = Annotated[DurationText, at_most(30, "30 days at most; set it again after that")]


class AlertSummary(Answer):
    """An alert without its details."""

    alert_id: str
    model: str
    environment: Environment | None
    severity: Severity = Field(description="the highest that it had")
    kind: str
    key: str = Field(description="what tells it from other alerts of the kind")
    title: str
    status: AlertStatus
    raised: int = Field(description="how often")
    first_at: AwareDatetime
    last_at: AwareDatetime
    muted: bool = Field(description="a silence keeps it from being sent")
    acknowledged_by: str | None
    acknowledged_at: AwareDatetime | None
    comment: str
    closed_at: AwareDatetime | None
    closed_because: str


class DeliveryDetail(Answer):
    """One telling of an alert to one channel."""

    delivery_id: str
    channel: str
    cause: DeliveryCause
    status: DeliveryStatus
    attempts: int
    next_at: AwareDatetime = Field(description="of a pending one, when it is tried next")
    last_error: str
    created_at: AwareDatetime
    sent_at: AwareDatetime | None


class AlertDetail(AlertSummary):
    """An alert, and to whom it was sent."""

    body: str
    detail: Json
    links: dict[str, str] = Field(description="one that begins with / is a path of this API")
    escalate_at: AwareDatetime | None = Field(
        description="when it goes to others, unless somebody acknowledges it"
    )
    deliveries: list[DeliveryDetail]


class AcknowledgeRequest(Ask):
    """Say that you take care of an alert: it is not sent again, nor escalated."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"comment": "looking at it"}]})

    comment: Words = ""


class SilenceRequest(Ask):
    """Send nothing of certain alerts for a while. They are kept, and listed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "model": "flights",
                    "pattern": "drift/*",
                    "duration": "4h",
                    "reason": "the feed is being repaired",
                }
            ]
        }
    )

    model: Name | None = Field(default=None, description="none: of every model")
    pattern: Annotated[
        str, StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00]*$")
    ] = Field(default="*", description="of kind/key, with * and ?")
    duration: _Silent = Field(description="30 days at most")
    reason: Words = ""


class EndRequest(Ask):
    """Send again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})


class Silence(Answer):
    """Alerts that are not sent for a while."""

    silence_id: str
    model: str | None
    pattern: str
    actor: str
    reason: str
    since: AwareDatetime
    until: AwareDatetime
    ended_by: str | None
