"""Tables of monitoring: windows, labels, and what asks for a model to be trained again."""

from datetime import datetime
from typing import Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index
from sqlmodel import Field

from api.db.columns import AnyText, BigInt, UtcDateTime, one_of
from api.db.table import Json, Table
from perennial.contracts.analysis import Verdict
from perennial.contracts.labels import LabelStatus
from perennial.contracts.monitoring import Action
from perennial.contracts.retraining import Cause
from perennial.contracts.spec import Environment

GovernedDecision = Literal["allow", "wait", "ask"]


class WindowRow(Table, table=True):
    """A window of a champion's requests: what it showed, what its labels say, what was done.

    `judged`: a `WindowJudged`. `quality`: the newest `QualityJudged`, none until labels come.
    `errors`: the `WindowErrors` that go with it, for the windows after it. `swept_at`: when those
    and the blobs that `judged` names were removed, being old.
    """

    __tablename__ = "windows"
    __table_args__ = (
        one_of("environment", Environment),
        one_of("verdict", Verdict),
        one_of("quality_verdict", Verdict, optional=True),
        one_of("action", Action, optional=True),
        ForeignKeyConstraint(["model", "version"], ["versions.model", "versions.version"]),
        Index(None, "swept_at", "judged_at"),
    )

    model: str = Field(primary_key=True, foreign_key="models.name")
    environment: str = Field(primary_key=True)
    start: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    version: int = Field(primary_key=True)
    end: datetime = Field(sa_type=UtcDateTime)
    rows: int = Field(sa_type=BigInt)
    verdict: str
    reason: str = Field(default="", sa_type=AnyText)
    judged: Json = Field(sa_type=JSON)
    judged_at: datetime = Field(sa_type=UtcDateTime)
    labelled: int = Field(default=0, sa_type=BigInt)
    quality_verdict: str | None = None
    quality: Json | None = Field(default=None, sa_type=JSON)
    quality_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    errors: Json | None = Field(default=None, sa_type=JSON(none_as_null=True))
    action: str | None = None
    decision_id: str | None = None
    followed: str = Field(default="", sa_type=AnyText)
    swept_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class LabelRow(Table, table=True):
    """The truth about one row of a request.

    `request_id` is that of the sender, or names an entity and a time; `found_id` and `request_at`
    are those of the log. `value` is canonical JSON; `changes` counts how often another one came.
    `environment`: where its request was found, or looked for last. `due_at`: from when on there is
    something to do: to look for the request, or to measure its window again. None: nothing.
    """

    __tablename__ = "labels"
    __table_args__ = (
        one_of("status", LabelStatus),
        Index(None, "model", "status", "due_at"),
        Index(None, "model", "environment", "request_at"),
        Index(None, "model", "environment", "received_at"),
    )

    model: str = Field(primary_key=True, foreign_key="models.name")
    request_id: str = Field(primary_key=True)
    row: int = Field(primary_key=True)
    entity: str | None = None
    value: str = Field(sa_type=AnyText)
    at: datetime = Field(sa_type=UtcDateTime)
    asked_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    received_at: datetime = Field(sa_type=UtcDateTime)
    status: str
    environment: str | None = None
    found_id: str | None = None
    request_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    due_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    changes: int = 0


class LabelledRow(Table, table=True):
    """An hour's labelled requests of a rollout, by the variant that answered them.

    `since_epoch`: of the deployment, at the rollout's first step. An hour is counted anew, as a
    whole, when labels of it have come.
    """

    __tablename__ = "labelled_requests"
    __table_args__ = (
        one_of("environment", Environment),
        CheckConstraint("wrong >= 0 AND wrong <= requests", name="wrong"),
    )

    model: str = Field(primary_key=True, foreign_key="models.name")
    environment: str = Field(primary_key=True)
    since_epoch: int = Field(primary_key=True)
    hour: datetime = Field(primary_key=True, sa_type=UtcDateTime)
    variant: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    requests: int
    wrong: int


class LabelSourceRow(Table, table=True):
    """How far the table of a model's labels is read: a `LabelSource`."""

    __tablename__ = "label_sources"

    model: str = Field(primary_key=True, foreign_key="models.name")
    source: Json = Field(sa_type=JSON)


class HookDeliveryRow(Table, table=True):
    """A delivery of a webhook that was taken: by the digest of its id, which may be of any length.

    They are forgotten once their own time would have them refused.
    """

    __tablename__ = "hook_deliveries"

    delivery: str = Field(primary_key=True)
    taken_at: datetime = Field(sa_type=UtcDateTime, index=True)


class TriggerRow(Table, table=True):
    """A wish to train a model again, and what became of it."""

    __tablename__ = "triggers"
    __table_args__ = (
        one_of("cause", Cause),
        one_of("decision", GovernedDecision),
        Index(None, "model", "at"),
        Index(None, "at", "trigger_id"),
    )

    trigger_id: str = Field(primary_key=True)
    model: str = Field(foreign_key="models.name")
    cause: str
    actor: str
    reason: str = Field(default="", sa_type=AnyText)
    snapshot: str
    at: datetime = Field(sa_type=UtcDateTime)
    as_of: datetime | None = Field(default=None, sa_type=UtcDateTime)
    decision: str
    rule: str | None = None
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    why: str = Field(default="", sa_type=AnyText)
    run_id: str | None = None
