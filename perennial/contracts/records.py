"""Facts to keep. Each call is one transaction with its ledger row, made once per `effect`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import Contract, Json, Sha256, Utc
from perennial.contracts.data import DatasetSnapshot, ReferenceProfile
from perennial.contracts.policy import Evidence, Vote
from perennial.contracts.spec import Environment, ModelSpec
from perennial.contracts.training import ChampionModel, ExportedModel, TrainedModel

RunKind = Literal["lifecycle", "promotion", "reproduction"]
RunStatus = Literal["queued", "running", "waiting", "finished"]
Outcome = Literal[
    "promoted", "denied", "rejected", "expired", "failed", "cancelled", "reproduced", "differs"
]
Stage = Literal[
    "snapshot",
    "validate",
    "profile",
    "search",
    "inputs",
    "train",
    "evaluate",
    "export",
    "register",
    "gate",
    "approval",
    "rollout",
    "promote",
    "compare",
]
StageStatus = Literal["running", "passed", "failed"]
Cause = Literal["promotion", "rollback", "retirement", "compensation"]


class RecordSpec(Contract):
    """A spec as applied; an unchanged one gets no new version."""

    effect: str
    spec: ModelSpec
    actor: str
    at: Utc


class SpecRecorded(Contract):
    """The version of the spec that holds now."""

    model: str
    spec_version: int
    changed: bool


class RecordRun(Contract):
    """A run was asked for."""

    effect: str
    run_id: str
    model: str
    kind: RunKind
    spec_version: int
    actor: str
    reason: str
    hotfix: bool = False
    group: str | None = None
    status: RunStatus
    overrides: Json = Field(default_factory=dict)
    version: int | None = Field(default=None, description="of a promotion run")
    at: Utc


class MarkStage(Contract):
    """A stage began or ended. Marks are a view of progress, not facts of the ledger.

    Attributes:
        ended: the end of the stage before, where this one begins at once: kept first, and in the
            same transaction.
    """

    run_id: str
    stage: Stage
    environment: Environment | None = None
    status: StageStatus
    at: Utc
    summary: str = ""
    detail: Json = Field(default_factory=dict)
    ended: MarkStage | None = None


class MarkRun(Contract):
    """A queued run began, waits for people, or goes on."""

    run_id: str
    status: RunStatus
    waiting_for: str = ""
    at: Utc


class FinishRun(Contract):
    """The end of a run, and why."""

    effect: str
    run_id: str
    model: str
    outcome: Outcome
    reason: str
    error_type: str = ""
    reached: Environment | None = None
    at: Utc


class RecordSnapshot(Contract):
    """A snapshot and its profile, by digest."""

    effect: str
    run_id: str
    snapshot: DatasetSnapshot
    profile: ReferenceProfile


class RecordVersion(Contract):
    """A candidate got through training and export: give it the next version number."""

    effect: str
    run_id: str
    model: str
    author: str
    snapshot: DatasetSnapshot
    trained: TrainedModel
    exported: ExportedModel
    at: Utc


class VersionRecorded(Contract):
    """The number of a version within its model."""

    model: str
    version: int


class RecordEvidence(Contract):
    """Evidence of a version, by digest; a version has as many as it was measured."""

    effect: str
    evidence: Evidence
    evidence_digest: Sha256


class OpenApproval(Contract):
    """A question to people."""

    effect: str
    approval_id: str
    run_id: str
    model: str
    version: int
    environment: Environment
    author: str
    required: int
    evidence_digest: Sha256
    opened_at: Utc
    expires_at: Utc


class RecordVote(Contract):
    """One person's yes or no."""

    effect: str
    approval_id: str
    model: str
    vote: Vote
    approve: bool


class CloseApproval(Contract):
    """How a question ended."""

    effect: str
    approval_id: str
    model: str
    status: Literal["approved", "rejected", "expired", "superseded", "cancelled"]
    at: Utc


class ReadVersion(Contract):
    """Ask for all that is known of a version."""

    model: str
    version: int


class VersionRecord(Contract):
    """A version with its newest evidence."""

    model: str
    version: int
    run_id: str
    author: str
    snapshot: DatasetSnapshot
    trained: TrainedModel
    exported: ExportedModel
    evidence: Evidence
    evidence_digest: Sha256


class ReadChampions(Contract):
    """Ask for the champions of a model, in every environment that has one."""

    model: str


class Champion(Contract):
    """Which version an environment has. The epoch grows by one with every move."""

    model: str
    environment: Environment
    version: int | None
    epoch: int = Field(ge=0)
    since: Utc | None = None
    onnx: ChampionModel | None = None


class Champions(Contract):
    """Every environment that ever had a champion."""

    model: str
    champions: tuple[Champion, ...] = ()

    def in_(self, environment: Environment) -> Champion:
        """The champion there; version None and epoch 0 where there never was one."""
        for champion in self.champions:
            if champion.environment == environment:
                return champion
        return Champion(model=self.model, environment=environment, version=None, epoch=0)


class MoveChampion(Contract):
    """Compare-and-set: move the pointer if its epoch is still the expected one.

    A compensation takes back the move that `run_id` made, and nobody else's.
    """

    effect: str
    model: str
    environment: Environment
    version: int | None
    expected_epoch: int
    cause: Cause
    actor: str
    reason: str
    run_id: str | None = None
    decision_id: str | None = None
    at: Utc


class PreviousChampion(Contract):
    """Ask what a rollback in an environment would put back."""

    model: str
    environment: Environment
    to_version: int | None = None


class SetModelStatus(Contract):
    """A model is active, paused or retired."""

    effect: str
    model: str
    status: Literal["active", "paused", "retired"]
    actor: str
    reason: str
    at: Utc


class Done(Contract):
    """Nothing to say but that it is kept."""

    effect: str = ""


@activity.defn(name="record_spec")
async def record_spec(input: RecordSpec) -> SpecRecorded:
    """Raises ModelRetired."""
    raise NotImplementedError


@activity.defn(name="record_run")
async def record_run(input: RecordRun) -> Done:
    """Keep a run that was asked for."""
    raise NotImplementedError


@activity.defn(name="mark_stage")
async def mark_stage(input: MarkStage) -> Done:
    """Show progress of a stage."""
    raise NotImplementedError


@activity.defn(name="mark_run")
async def mark_run(input: MarkRun) -> Done:
    """Show what a run is doing."""
    raise NotImplementedError


@activity.defn(name="finish_run")
async def finish_run(input: FinishRun) -> Done:
    """Keep how a run ended; the first end stands. Stages still running are marked failed."""
    raise NotImplementedError


@activity.defn(name="record_snapshot")
async def record_snapshot(input: RecordSnapshot) -> Done:
    """Keep a snapshot and its profile."""
    raise NotImplementedError


@activity.defn(name="record_version")
async def record_version(input: RecordVersion) -> VersionRecorded:
    """Give the next number; the same run gets the same number again."""
    raise NotImplementedError


@activity.defn(name="record_evidence")
async def record_evidence(input: RecordEvidence) -> Done:
    """Keep evidence beside its version."""
    raise NotImplementedError


@activity.defn(name="open_approval")
async def open_approval(input: OpenApproval) -> Done:
    """Keep an open question."""
    raise NotImplementedError


@activity.defn(name="record_vote")
async def record_vote(input: RecordVote) -> Done:
    """Keep a vote; one person votes once on a question. Raises Refused on a second one."""
    raise NotImplementedError


@activity.defn(name="close_approval")
async def close_approval(input: CloseApproval) -> Done:
    """Keep how a question ended."""
    raise NotImplementedError


@activity.defn(name="read_version")
async def read_version(input: ReadVersion) -> VersionRecord:
    """Raises NotFound."""
    raise NotImplementedError


@activity.defn(name="read_champions")
async def read_champions(input: ReadChampions) -> Champions:
    """The champions of a model."""
    raise NotImplementedError


@activity.defn(name="previous_champion")
async def previous_champion(input: PreviousChampion) -> Champion:
    """The current champion's row with the version to put back. Raises Refused if none."""
    raise NotImplementedError


@activity.defn(name="move_champion")
async def move_champion(input: MoveChampion) -> Champion:
    """Raises StaleEpoch when the pointer has moved since; PlatformPaused for a promotion."""
    raise NotImplementedError


@activity.defn(name="set_model_status")
async def set_model_status(input: SetModelStatus) -> Done:
    """Keep that a model was paused, resumed or retired."""
    raise NotImplementedError
