"""The tables. Rows are written by `api.db.facts` only, and never leave this package as they are.

`table=True` classes do not validate, so the database does: CHECKs, unique keys, foreign keys.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy import JSON, CheckConstraint, ForeignKeyConstraint, Index, UniqueConstraint
from sqlmodel import Field

from api.db import alert_tables, monitoring_tables  # noqa: F401 - so that all are known
from api.db.columns import AnyText, BigInt, UtcDateTime, one_of
from api.db.table import Json, Table
from perennial.contracts.policy import kind_of, wish
from perennial.contracts.records import Cause, Outcome, RunKind, RunStatus, Stage, StageStatus
from perennial.contracts.spec import Environment

ModelStatus = Literal["active", "paused", "retired"]
ApprovalStatus = Literal["open", "approved", "rejected", "expired", "superseded", "cancelled"]
EventName = Literal["run", "stage", "progress", "decision", "approval", "champion", "deployment"]
DecisionOutcome = Literal["allow", "deny", "needs_approval", "error"]


class ModelRow(Table, table=True):
    """A model by name, with the version of its spec that counts.

    `request_log` is that spec's: the data plane asks for it every second.
    """

    __tablename__ = "models"
    __table_args__ = (one_of("status", ModelStatus),)

    name: str = Field(primary_key=True)
    status: str
    spec_version: int
    request_log: Json | None = Field(default=None, sa_type=JSON)
    created_at: datetime = Field(sa_type=UtcDateTime)
    updated_at: datetime = Field(sa_type=UtcDateTime)


class SpecRow(Table, table=True):
    """A spec as it was applied."""

    __tablename__ = "specs"

    model: str = Field(primary_key=True, foreign_key="models.name")
    version: int = Field(primary_key=True)
    digest: str
    spec: Json = Field(sa_type=JSON)
    actor: str
    at: datetime = Field(sa_type=UtcDateTime)


class RunRow(Table, table=True):
    """A run. `events` counts the rows of `run_events`, so that they are numbered without gaps."""

    __tablename__ = "runs"
    __table_args__ = (
        one_of("kind", RunKind),
        one_of("status", RunStatus),
        one_of("outcome", Outcome, optional=True),
        one_of("reached", Environment, optional=True),
        CheckConstraint("(status = 'finished') = (outcome IS NOT NULL)", name="ended"),
        Index(None, "model", "created_at"),
        Index(None, "created_at", "run_id"),
    )

    run_id: str = Field(primary_key=True)
    model: str = Field(foreign_key="models.name")
    kind: str
    status: str
    outcome: str | None = None
    reason: str = Field(default="", sa_type=AnyText)
    error_type: str = ""
    actor: str
    asked_because: str = Field(default="", sa_type=AnyText)
    hotfix: bool = False
    group_id: str | None = Field(default=None, index=True)
    spec_version: int
    version: int | None = None
    reached: str | None = None
    waiting_for: str = ""
    overrides: Json = Field(sa_type=JSON)
    events: int = 0
    created_at: datetime = Field(sa_type=UtcDateTime)
    marked_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime | None = Field(default=None, sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class StageRow(Table, table=True):
    """A stage of a run; `environment` is empty for the stages that belong to none."""

    __tablename__ = "stages"
    __table_args__ = (one_of("stage", Stage), one_of("status", StageStatus))

    run_id: str = Field(primary_key=True, foreign_key="runs.run_id")
    stage: str = Field(primary_key=True)
    environment: str = Field(primary_key=True)
    position: int
    status: str
    summary: str = Field(default="", sa_type=AnyText)
    detail: Json = Field(sa_type=JSON)
    progress: Json = Field(sa_type=JSON)
    marked_at: datetime = Field(sa_type=UtcDateTime)
    started_at: datetime = Field(sa_type=UtcDateTime)
    finished_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class RunEventRow(Table, table=True):
    """What happened in a run, for those who watch it live. `seq` counts from 1 in each run."""

    __tablename__ = "run_events"
    __table_args__ = (one_of("event", EventName),)

    run_id: str = Field(primary_key=True, foreign_key="runs.run_id")
    seq: int = Field(primary_key=True)
    event: str
    data: Json = Field(sa_type=JSON)


class SnapshotRow(Table, table=True):
    """A dataset snapshot with its reference profile."""

    __tablename__ = "snapshots"

    model: str = Field(primary_key=True, foreign_key="models.name")
    digest: str = Field(primary_key=True)
    rows: int = Field(sa_type=BigInt)
    source_uri: str = Field(sa_type=AnyText)
    taken_at: datetime = Field(sa_type=UtcDateTime)
    snapshot: Json = Field(sa_type=JSON)
    profile: Json = Field(sa_type=JSON)


class VersionRow(Table, table=True):
    """A version, and how it was made."""

    __tablename__ = "versions"
    __table_args__ = (CheckConstraint("version > 0", name="version"),)

    model: str = Field(primary_key=True, foreign_key="models.name")
    version: int = Field(primary_key=True)
    run_id: str = Field(foreign_key="runs.run_id", unique=True)
    author: str
    snapshot_digest: str
    snapshot: Json = Field(sa_type=JSON)
    trained: Json = Field(sa_type=JSON)
    exported: Json = Field(sa_type=JSON)
    mlflow_run_id: str | None = None
    mlflow_version: str | None = None
    created_at: datetime = Field(sa_type=UtcDateTime)


class EvidenceRow(Table, table=True):
    """Evidence of a version; the newest row counts."""

    __tablename__ = "evidence"
    __table_args__ = (
        ForeignKeyConstraint(["model", "version"], ["versions.model", "versions.version"]),
        UniqueConstraint("model", "version", "digest"),
    )

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInt)
    model: str
    version: int
    digest: str
    run_id: str
    evidence: Json = Field(sa_type=JSON)
    produced_at: datetime = Field(sa_type=UtcDateTime)


class DecisionRow(Table, table=True):
    """A decision with the exact question that was put and the raw answer."""

    __tablename__ = "decisions"
    __table_args__ = (
        one_of("outcome", DecisionOutcome),
        one_of("environment", Environment),
        Index(None, "decided_at", "decision_id"),
        Index(None, "run_id"),
    )

    decision_id: str = Field(primary_key=True)
    effect: str = Field(unique=True)
    model: str
    environment: str
    version: int
    run_id: str
    outcome: str
    action: str = ""
    reasons: list[str] = Field(sa_type=JSON)
    approvals_required: int
    approvals_missing: int
    policy_digest: str
    decided_at: datetime = Field(sa_type=UtcDateTime)
    question: Json = Field(sa_type=JSON)
    answer: Json = Field(sa_type=JSON)

    @property
    def warnings(self) -> list[str]:
        """Broken rules that only warn."""
        return _said(self.answer, "warnings")

    @property
    def dry_run(self) -> list[str]:
        """Broken rules that are only told."""
        return _said(self.answer, "dry_run")

    @property
    def wish(self) -> str:
        """What the version wanted, in words."""
        return wish(self.question)

    @property
    def kind(self) -> str:
        """Of the question."""
        return kind_of(self.question)


class ApprovalRow(Table, table=True):
    """A question put to people."""

    __tablename__ = "approvals"
    __table_args__ = (
        one_of("status", ApprovalStatus),
        one_of("environment", Environment),
        CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="closed"),
        CheckConstraint("required > 0", name="required"),
        Index(None, "opened_at", "approval_id"),
        Index(None, "run_id"),
    )

    approval_id: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="runs.run_id")
    model: str = Field(foreign_key="models.name")
    version: int
    environment: str
    author: str
    required: int
    status: str
    evidence_digest: str
    opened_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    closed_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class VoteRow(Table, table=True):
    """One person's yes or no; the key lets nobody vote twice."""

    __tablename__ = "votes"

    approval_id: str = Field(primary_key=True, foreign_key="approvals.approval_id")
    by: str = Field(primary_key=True)
    approve: bool
    roles: list[str] = Field(sa_type=JSON)
    evidence_digest: str
    comment: str = Field(default="", sa_type=AnyText)
    at: datetime = Field(sa_type=UtcDateTime)


class ChampionRow(Table, table=True):
    """The truth of what an environment has: one row each, moved by compare-and-set of `epoch`."""

    __tablename__ = "champions"
    __table_args__ = (
        one_of("environment", Environment),
        CheckConstraint("epoch > 0", name="epoch"),
        ForeignKeyConstraint(["model", "version"], ["versions.model", "versions.version"]),
    )

    model: str = Field(primary_key=True, foreign_key="models.name")
    environment: str = Field(primary_key=True)
    version: int | None = None
    epoch: int
    since: datetime = Field(sa_type=UtcDateTime)


class ChampionHistoryRow(Table, table=True):
    """Every champion that ever was, from when to when, and why."""

    __tablename__ = "champion_history"
    __table_args__ = (
        one_of("environment", Environment),
        one_of("cause", Cause),
        CheckConstraint("until IS NULL OR until >= since", name="period"),
        ForeignKeyConstraint(["model", "version"], ["versions.model", "versions.version"]),
    )

    model: str = Field(primary_key=True, foreign_key="models.name")
    environment: str = Field(primary_key=True)
    epoch: int = Field(primary_key=True)
    version: int | None = None
    since: datetime = Field(sa_type=UtcDateTime)
    until: datetime | None = Field(default=None, sa_type=UtcDateTime)
    cause: str
    actor: str
    reason: str = Field(default="", sa_type=AnyText)
    run_id: str | None = None
    decision_id: str | None = None


class DeploymentRow(Table, table=True):
    """What answers a model's requests in an environment, changed by compare-and-set of `epoch`.

    `shares` is empty where nothing does. `run_id`: of the run that is rolling a version out.
    """

    __tablename__ = "deployments"
    __table_args__ = (
        one_of("environment", Environment),
        CheckConstraint("epoch > 0", name="epoch"),
    )

    model: str = Field(primary_key=True, foreign_key="models.name")
    environment: str = Field(primary_key=True)
    epoch: int
    run_id: str | None = Field(default=None, foreign_key="runs.run_id")
    entity: str | None = None
    slow_seconds: float
    tolerance: float
    shares: list[Json] = Field(sa_type=JSON)
    since: datetime = Field(sa_type=UtcDateTime)


class DataPlaneRow(Table, table=True):
    """A process that answers requests, when it last said so, and what it costs."""

    __tablename__ = "data_planes"
    __table_args__ = (one_of("environment", Environment),)

    process: str = Field(primary_key=True)
    environment: str
    seen_at: datetime = Field(sa_type=UtcDateTime)
    busy: float = 0.0
    memory_bytes: int = Field(default=0, sa_type=BigInt)
    cpu_seconds: float = 0.0


class TallyRow(Table, table=True):
    """What a process has answered by one variant of one deployment; its counts only grow."""

    __tablename__ = "tallies"
    __table_args__ = (one_of("environment", Environment),)

    model: str = Field(primary_key=True, foreign_key="models.name")
    environment: str = Field(primary_key=True)
    epoch: int = Field(primary_key=True)
    variant: str = Field(primary_key=True)
    process: str = Field(primary_key=True, foreign_key="data_planes.process")
    version: int
    sha256: str
    requests: int = Field(sa_type=BigInt)
    errors: int = Field(sa_type=BigInt)
    slow: int = Field(sa_type=BigInt)
    answers: list[int] = Field(sa_type=JSON)
    refused: int = Field(default=0, sa_type=BigInt)
    compared: int = Field(default=0, sa_type=BigInt)
    disagreed: int = Field(default=0, sa_type=BigInt)
    missed: int = Field(default=0, sa_type=BigInt)
    logged: int = Field(default=0, sa_type=BigInt)
    lost: int = Field(default=0, sa_type=BigInt)
    latencies: list[int] = Field(default_factory=list, sa_type=JSON)
    entities: int = Field(default=0, sa_type=BigInt)


class ProjectionRow(Table, table=True):
    """What MLflow's alias of an environment was last put to, and where it was found by hand."""

    __tablename__ = "projections"
    __table_args__ = (
        one_of("environment", Environment),
        CheckConstraint("epoch >= 0", name="epoch"),
        CheckConstraint("(found IS NULL) = (found_at IS NULL)", name="found"),
    )

    model: str = Field(primary_key=True, foreign_key="models.name")
    environment: str = Field(primary_key=True)
    epoch: int = 0
    version: int | None = None
    found: str | None = None
    found_at: datetime | None = Field(default=None, sa_type=UtcDateTime)


class PlatformRow(Table, table=True):
    """Whether the platform is paused: one row. `told_epoch`: what all models' workflows know."""

    __tablename__ = "platform"
    __table_args__ = (
        CheckConstraint("id = 1", name="only"),
        CheckConstraint("told_epoch <= epoch", name="told"),
    )

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    paused: bool
    epoch: int
    told_epoch: int
    actor: str
    reason: str = Field(default="", sa_type=AnyText)
    since: datetime = Field(sa_type=UtcDateTime)


class LedgerRow(Table, table=True):
    """The append-only, hash-chained ledger. `at` is text, since it is hashed as it stands."""

    __tablename__ = "ledger"

    seq: int = Field(primary_key=True, sa_type=BigInt, sa_column_kwargs={"autoincrement": False})
    at: str
    actor: str
    kind: str
    model: str
    subject: str
    body: Json = Field(sa_type=JSON)
    effect: str = Field(unique=True)
    prev_hash: str
    hash: str = Field(unique=True)


# one open period for each model and environment
Index(
    "uq_champion_history_open",
    ChampionHistoryRow.__table__.c.model,  # type: ignore[attr-defined]
    ChampionHistoryRow.__table__.c.environment,  # type: ignore[attr-defined]
    unique=True,
    sqlite_where=ChampionHistoryRow.__table__.c.until.is_(None),  # type: ignore[attr-defined]
    postgresql_where=ChampionHistoryRow.__table__.c.until.is_(None),  # type: ignore[attr-defined]
)


def _said(answer: Json, key: str) -> list[str]:
    """Sentences of a policy's answer; of one that is malformed, none."""
    result = answer.get("result")
    said = result.get(key) if isinstance(result, dict) else None
    return [each for each in said if isinstance(each, str)] if isinstance(said, list) else []
