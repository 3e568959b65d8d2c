"""Workflows by name: what starts them, what may be asked of them, what they answer."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from perennial.contracts.base import Contract, Sha256, Utc
from perennial.contracts.policy import Vote
from perennial.contracts.records import Champion, Outcome, RunKind
from perennial.contracts.rollout import GuardInput
from perennial.contracts.spec import Environment, ModelSpec, Param

MODEL_WORKFLOW = "Model"
LIFECYCLE_WORKFLOW = "Lifecycle"
PROMOTION_WORKFLOW = "Promotion"
PLATFORM_WORKFLOW = "Platform"
RECONCILE_WORKFLOW = "Reconcile"

# Updates of the model's workflow; the platform's has `pause` and `resume` too
APPLY_SPEC = "apply_spec"
START_RUN = "start_run"
CANCEL_RUN = "cancel_run"
PROMOTE = "promote"
ROLL_BACK = "roll_back"
PAUSE = "pause"
RESUME = "resume"
RETIRE = "retire"
# Updates of a run's workflow
APPROVE = "approve"
REJECT = "reject"
# Signals between a run and its model's workflow
CANCEL = "cancel"
CHAMPION_WANTED = "champion_wanted"
CHAMPION_ANSWERED = "champion_answered"
CHAMPION_UNWANTED = "champion_unwanted"
CHAMPION_UNDONE = "champion_undone"
CHAMPION_MOVED = "champion_moved"
ROLLBACK_WANTED = "rollback_wanted"
# Signals to a model's workflow
PLATFORM_CHANGED = "platform_changed"
ALIAS_MOVED = "alias_moved"
# Queries
STATE = "state"

# Search attributes, all of type Keyword
SEARCH_ATTRIBUTES = ("ModelName", "Stage", "Environment", "Outcome", "WaitingFor")


class Asked(Contract):
    """Every request carries the id its client gave it, and who asks.

    `STAMPED` are the fields that a repeat may have otherwise, such as when it was sent.
    """

    STAMPED: ClassVar[frozenset[str]] = frozenset()

    request_id: str = Field(min_length=1, max_length=200)
    actor: str


class ApplySpec(Asked):
    """Make a spec the one that counts from the next run on."""

    spec: ModelSpec


_HOTFIX = "goes before all that is none, and ends what is under way; needs a reason"


class StartRun(Asked):
    """Start a lifecycle run, with hyper-parameters of its own if need be."""

    run_id: str
    reason: str = ""
    hotfix: bool = Field(default=False, description=_HOTFIX)
    params: dict[str, Param] = Field(default_factory=dict)
    epochs: int | None = Field(default=None, ge=1)
    learning_rate: float | None = Field(default=None, gt=0)
    as_of: Utc | None = Field(default=None, description="rows as they were known then")


class Cancel(Contract):
    """The model's workflow tells a run to end, and why."""

    why: str


class CancelRun(Asked):
    """End a run that is queued or under way."""

    run_id: str
    reason: str = ""


class Promote(Asked):
    """Take a version that exists through the environments, up to and with the last named."""

    run_id: str
    version: int
    environment: Environment
    reason: str = ""
    hotfix: bool = Field(default=False, description=_HOTFIX)
    group: str = Field(default="", description="that it moves with, in this environment only")


class RollBack(Asked):
    """Put an earlier champion of this environment back, at once."""

    environment: Environment
    to_version: int | None = None
    reason: str = ""


class Lever(Asked):
    """Pause, resume or retire."""

    reason: str = ""


class CastVote(Asked):
    """Approve or reject; the digest says which evidence was looked at."""

    approval_id: str
    roles: tuple[str, ...]
    evidence_digest: Sha256
    comment: str = ""


class RunAccepted(Contract):
    """The run that a request started, and whether it waits for its turn."""

    run_id: str
    status: str
    ahead: int = Field(default=0, description="runs before it in the queue")


class SpecApplied(Contract):
    """The spec version that counts now."""

    model: str
    spec_version: int
    changed: bool


class ModelStatus(Contract):
    """Active, paused or retired."""

    model: str
    status: str


class VoteTaken(Contract):
    """What a vote led to."""

    approval_id: str
    status: str = Field(description="open, approved or rejected")
    votes: int
    required: int


class RunInput(Contract):
    """What a run starts with. The spec is the effective one, overrides applied."""

    run_id: str
    kind: RunKind = "lifecycle"
    spec: ModelSpec
    spec_version: int
    author: str
    reason: str = ""
    hotfix: bool = False
    group: str = ""
    version: int | None = Field(default=None, description="promotion runs: which version")
    up_to: Environment | None = Field(default=None, description="None: the last environment")
    wished: bool = Field(
        default=False, description="follows a wish to train again: it ends where nothing is new"
    )


class RunResult(Contract):
    """How a run ended."""

    run_id: str
    outcome: Outcome
    reason: str
    version: int | None = None
    reached: Environment | None = None


class ChampionWanted(Contract):
    """A run asks its model's workflow, the single writer, to move a champion."""

    reply_to: str = Field(description="workflow id of the run")
    run_id: str
    environment: Environment
    version: int
    expected_epoch: int
    decision_id: str
    actor: str
    reason: str
    guard: GuardInput | None = Field(
        default=None, description="who watches it from then on; its epoch is filled in"
    )


GUARD = "guard"
"""Who rolls back by what a rollout watches after it is over."""


class RollbackWanted(Contract):
    """A guard or a monitor found a champion worse than the one before it, or worse than none."""

    environment: Environment
    expected_epoch: int
    back_to: int | None = Field(description="None: nothing is served any more")
    run_id: str
    reason: str
    actor: str = GUARD


class ChampionAnswered(Contract):
    """The answer: the new champion, or why not."""

    environment: Environment
    expected_epoch: int
    champion: Champion | None = None
    refused: str = ""
    stale: bool = Field(default=False, description="refused since another move came first")
    held: bool = Field(
        default=False,
        description="a pause holds it, and its version has requests already: look on meanwhile",
    )


class ChampionUnwanted(Contract):
    """A run takes its request for a move back, or the move itself, should it have been made."""

    reply_to: str = Field(description="workflow id of the run")
    run_id: str
    environment: Environment
    expected_epoch: int = Field(description="of the request that is taken back")
    back_to: int | None = Field(description="the champion before it")
    actor: str
    reason: str


class ChampionUndone(Contract):
    """What became of a move that was taken back."""

    environment: Environment
    expected_epoch: int
    what: str = Field(description="one sentence for people")


class Handled(Contract):
    """A request that was answered, so that its repeat gets the same answer."""

    request_id: str
    digest: Sha256
    answer: str = Field(description="JSON of the answer")


class ModelState(Contract):
    """All that a model's workflow carries through continue-as-new."""

    model: str
    spec: ModelSpec | None = None
    spec_version: int = 0
    status: str = "active"
    queue: tuple[RunInput, ...] = ()
    handled: tuple[Handled, ...] = ()
    unprojected: tuple[Environment, ...] = ()


class PlatformState(Contract):
    """All that the platform's workflow carries through continue-as-new."""

    handled: tuple[Handled, ...] = ()


class RunView(Contract):
    """What a run answers to the `state` query."""

    run_id: str
    stage: str
    environment: Environment | None = None
    waiting_for: str = ""
    approval_id: str = ""
    evidence_digest: str = ""
    required: int = 0
    votes: tuple[Vote, ...] = ()
    expires_at: Utc | None = None
