"""Runs, approvals and decisions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field, FiniteFloat, StringConstraints

from api.schemas.base import Answer, Ask, Hotfixable, Json, Param, Reasoned, Words
from perennial.contracts.base import Sha256
from perennial.contracts.monitoring import Action
from perennial.contracts.records import Outcome, RunKind, RunStatus, Stage, StageStatus
from perennial.contracts.reproduction import TOLERANCE
from perennial.contracts.spec import Environment

ApprovalStatus = Literal["open", "approved", "rejected", "expired", "superseded", "cancelled"]
DecisionOutcome = Literal["allow", "deny", "needs_approval", "error"]
DecisionKind = Literal["promotion", "rollout", "monitoring"]


class RunRequest(Hotfixable):
    """Start a lifecycle run, with hyper-parameters of its own if need be."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"reason": "February has arrived", "epochs": 3, "params": {"hidden": 64}}]
        }
    )

    params: dict[
        Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00]*$")],
        Param,
    ] = Field(default_factory=dict, max_length=100)
    epochs: int | None = Field(default=None, ge=1, le=10_000)
    learning_rate: FiniteFloat | None = Field(default=None, gt=0)


class ReproductionRequest(Reasoned):
    """Train a version again, and say how near what comes out has to be."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"reason": "audit of 2026", "tolerance": 0.001}]}
    )

    tolerance: FiniteFloat = Field(
        default=TOLERANCE,
        ge=0,
        le=1,
        description="How far a metric may be from the recorded one, as a share of it where it is "
        "above 1. 0: the weights are to be the same to the last bit.",
    )


class CancelRequest(Reasoned):
    """End a run that is queued or under way."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "wrong data"}]})


class VoteRequest(Ask):
    """A yes or no to the evidence that was looked at."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"evidence_digest": "c" * 64, "comment": "looks right"}]}
    )

    evidence_digest: Sha256 = Field(
        description="of the evidence that was looked at; refused if it has changed since"
    )
    comment: Words = ""


class RunSummary(Answer):
    """A run without its stages."""

    run_id: str
    model: str
    kind: RunKind
    status: RunStatus
    outcome: Outcome | None
    reason: str = Field(description="why it ended as it did")
    error_type: str
    actor: str
    asked_because: str
    hotfix: bool = Field(description="whether it went before others")
    group_id: str | None = Field(description="that it moves with, or not at all")
    spec_version: int
    version: int | None
    reached: Environment | None = Field(description="the last environment it was promoted to")
    waiting_for: str
    overrides: Json
    created_at: AwareDatetime
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None


class StageDetail(Answer):
    """One step of a run."""

    stage: Stage
    environment: Environment | None
    status: StageStatus
    summary: str
    detail: Json
    progress: Json = Field(description="of a training: epoch and loss")
    started_at: AwareDatetime
    finished_at: AwareDatetime | None


class Retrying(Answer):
    """Work that failed and will be tried again."""

    activity: str
    attempt: int
    message: str


class VoteDetail(Answer):
    """One person's yes or no."""

    by: str
    approve: bool
    at: AwareDatetime
    comment: str


class ApprovalDetail(Answer):
    """A question put to people about one version in one environment."""

    approval_id: str
    run_id: str
    model: str
    version: int
    environment: Environment
    author: str
    required: int
    status: ApprovalStatus
    evidence_digest: str
    opened_at: AwareDatetime
    expires_at: AwareDatetime
    closed_at: AwareDatetime | None
    votes: list[VoteDetail]


class RunDetail(RunSummary):
    """A run with its stages, its newest question to people, and where to look further."""

    stages: list[StageDetail]
    approval: ApprovalDetail | None = Field(description="the newest question of this run")
    retrying: list[Retrying] = Field(description="work that failed and is tried again")
    links: dict[str, str]


class DecisionSummary(Answer):
    """A judgement of the policy, as it was stored."""

    decision_id: str
    kind: DecisionKind
    model: str
    environment: Environment
    version: int
    run_id: str
    wish: str = Field(
        description="What the version wanted, in words.", examples=["into production"]
    )
    outcome: DecisionOutcome
    action: Action | Literal[""] = Field(
        description="of monitoring: what is done about the window; else empty"
    )
    reasons: list[str]
    warnings: list[str] = Field(description="broken rules that the spec has in the mode warn")
    dry_run: list[str] = Field(description="the same of the mode dry-run")
    approvals_required: int
    approvals_missing: int
    policy_digest: str
    decided_at: AwareDatetime


class DecisionDetail(DecisionSummary):
    """A decision with exactly what was asked and answered."""

    question: Json
    answer: Json


PolicyFiles = Annotated[
    dict[Annotated[str, StringConstraints(min_length=1, max_length=200)], str],
    Field(
        min_length=1,
        max_length=200,
        description="text by path (`promotion/rules.rego`, `data.json`)",
    ),
]
"""The files of a policy."""


class ReplayRequest(Ask):
    """Ask stored questions again."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"model": "flights", "limit": 50}]})

    model: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,62}$")] | None = None
    kind: DecisionKind | None = None
    policy: PolicyFiles | None = Field(
        default=None, description="none: each is asked again under the policy that made it"
    )
    limit: int = Field(default=200, ge=1, le=1000, description="the newest decisions, this many")


class Judgement(Answer):
    """What a policy said."""

    outcome: DecisionOutcome
    action: Action | Literal[""]
    reasons: list[str]
    policy_digest: str


class Flip(Answer):
    """A decision that would be another one now."""

    decision_id: str
    kind: DecisionKind
    model: str
    environment: Environment
    version: int
    wish: str
    window_start: AwareDatetime | None = Field(description="of monitoring")
    stored: Judgement
    now: Judgement


class ReplayAnswer(Answer):
    """What asking again led to."""

    asked: int
    agreed: int
    skipped: int = Field(description="never judged by a policy, or its policy is not kept")
    windows: int = Field(description="decisions of monitoring among those asked")
    flipped: list[Flip]
