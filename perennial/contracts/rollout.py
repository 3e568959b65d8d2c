"""A rollout: what it starts with, how it is watched, and how it ends."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from temporalio import activity

from perennial.contracts.analysis import Assessment, Comparison, Drift, Lone, Split, Verdict
from perennial.contracts.base import Contract, Utc
from perennial.contracts.rollout_plan import RolloutPlan
from perennial.contracts.serving import Labelled, Tally
from perennial.contracts.spec_part import Environment

ROLLOUT_WORKFLOW = "Rollout"
GUARD_WORKFLOW = "Guard"


class Seen(Contract):
    """All that a rollout has seen so far; small, and carried from look to look.

    Attributes:
        tallies: sums over all processes at the last look.
        epoch: of the deployment that `split` is of.
        errors: the challenger's beside its control's.
        slow: the same.
        answers: the same, by category.
        split: how the requests of this epoch were divided.
        divided: how its entities were, by process that met them; a process meets each once.
        disagreement: rows of copies, and those that got another answer than the champion's.
        labelled: sums that `quality` has seen.
        quality: the challenger's wrong answers beside its control's.
    """

    tallies: tuple[Tally, ...] = ()
    epoch: int = 0
    errors: Comparison = Comparison()
    slow: Comparison = Comparison()
    answers: Drift = Drift()
    split: Split = Split()
    divided: dict[str, Split] = Field(default_factory=dict)
    disagreement: Lone = Lone()
    labelled: tuple[Labelled, ...] = ()
    quality: Comparison = Comparison()


class Watch(Contract):
    """Look at one step until it is decided.

    Attributes:
        run_id: whose stage shows what is seen.
        epoch: of the deployment that is watched; another one means that somebody else moved.
        since_epoch: of the rollout's first step: what was counted before does not count.
        step: its number, from 1; 0 before the first.
        seen: at the steps before.
        held: its time is over and a pause holds the next one: only until that is lifted.
    """

    run_id: str
    model: str
    environment: Environment
    epoch: int
    since_epoch: int
    step: int
    plan: RolloutPlan
    seen: Seen = Seen()
    held: bool = False


class Watched(Contract):
    """What a step came to.

    Attributes:
        verdict: `pass` after its hold; `fail` and `error` at once; `inconclusive` and `no_data`
            when it has taken longer than it may.
        moved: somebody else changed the deployment; there is no verdict then.
        held: which pause holds the next step; empty for none. Never of a `fail` or an `error`.
    """

    verdict: Verdict
    reason: str
    assessments: dict[str, Assessment] = Field(default_factory=dict)
    seen: Seen = Seen()
    moved: bool = False
    held: str = ""


class RolloutResult(Contract):
    """How a rollout ended: the version has earned all requests, or it was called off.

    Attributes:
        since_epoch: of the deployment, at the first step.
        round: how often a pause has held it; each time it is judged again.
        since: when it began; labels that came before are of other requests.
    """

    outcome: Literal["earned", "called_off"]
    reason: str
    seen: Seen = Seen()
    since_epoch: int = 1
    round: int = 0
    since: Utc | None = None


class RolloutInput(Contract):
    """What a rollout starts with.

    Attributes:
        champion: the version that has the traffic.
        champion_epoch: and its epoch.
        author: of the version; may not rule on it.
        requester: who asked for the run; may not either.
        asks_for: how long a question to people stays open.
        patience: how long it waits for a system that is away.
        after: what it had come to when a pause held the move of the champion: it is watched on at
            its last step.
    """

    run_id: str
    model: str
    environment: Environment
    version: int
    champion: int
    champion_epoch: int
    plan: RolloutPlan
    risk_tier: str
    author: str
    requester: str
    asks_for: str
    patience: str
    after: RolloutResult | None = None


class RolloutView(Contract):
    """What a rollout answers to the `state` query."""

    run_id: str
    environment: Environment
    version: int
    step: int = 0
    percent: float = 0.0
    verdict: str = ""
    reason: str = ""
    waiting: bool = Field(default=False, description="for people's ruling")
    evidence_digest: str = Field(default="", description="of what they are to rule on")
    expires_at: Utc | None = None


class GuardInput(Contract):
    """What a champion is watched against after its rollout.

    Attributes:
        version: the champion.
        epoch: of the champion, when it became one.
        since_epoch: of the deployment; what was counted before does not count.
        back_to: the champion before it.
        errors: the share that is allowed: what the control's counts leave likely, and what the
            plan allows beyond it. None where it is not watched.
        slow: the same.
        until: when the guard is over.
        rolled: what the rollout came to, where labels go on to be looked for: those of its own
            requests are judged as during it, those of later ones by what its control did.
    """

    run_id: str
    model: str
    environment: Environment
    version: int
    epoch: int
    since_epoch: int = 1
    back_to: int
    risk_tier: str
    author: str
    plan: RolloutPlan
    errors: float | None = None
    slow: float | None = None
    until: Utc
    rolled: RolloutResult | None = None


class Guarded(Contract):
    """How a guard's watch ended.

    Attributes:
        outcome: `breach`: worse than the control was. `over`: its time is. `moved`: the champion
            is another one.
    """

    outcome: Literal["breach", "over", "moved"]
    reason: str
    assessments: dict[str, Assessment] = Field(default_factory=dict)


@activity.defn(name="watch_rollout")
async def watch_rollout(input: Watch) -> Watched:
    """Look each interval until the step is decided."""
    raise NotImplementedError


@activity.defn(name="watch_champion")
async def watch_champion(input: GuardInput) -> Guarded:
    """Look each interval until the guard's time is over, or the champion is worse."""
    raise NotImplementedError
