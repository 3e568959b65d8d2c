"""Judgement: what the policy is asked, and what it answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from temporalio import activity

from perennial.contracts.advisories import DependencyCheck
from perennial.contracts.analysis import Assessment, Verdict
from perennial.contracts.base import BlobRef, Contract, Json, Metrics, Sha256, Utc
from perennial.contracts.data import DataValidation
from perennial.contracts.drift import Severity
from perennial.contracts.evidence_plan import Modes, Rule
from perennial.contracts.examined import Examined, Speed
from perennial.contracts.search import Searched
from perennial.contracts.spec import Environment, RiskTier, Task, Threshold
from perennial.contracts.training import CodeIdentity, Parity, Quantised


class Evidence(Contract):
    """Everything known of a version that a judgement may use. Its digest is what is approved."""

    model: str
    version: int
    run_id: str
    snapshot: Sha256
    profile: Sha256
    onnx: Sha256
    code: CodeIdentity
    params: Json
    search: Searched | None = Field(default=None, description="where params were looked for")
    validation: DataValidation
    metrics: Metrics
    champions: dict[int, Metrics] = Field(default_factory=dict)
    test_rows: int
    parity: Parity
    opset: int = 0
    int8: Quantised | None = Field(default=None, description="where 8 bits were asked for")
    answers: BlobRef | None = Field(
        default=None, description="whylogs profile of what it answered to the held-out rows"
    )
    examined: Examined | None = None
    speed: Speed | None = None
    megabytes: float | None = Field(default=None, description="of the ONNX file")
    dependencies: DependencyCheck | None = Field(
        default=None, description="vulnerabilities of what it was made with"
    )
    produced_at: Utc


class PrimaryMetric(Contract):
    """The metric that is compared with the champion's."""

    name: str
    goal: Literal["maximize", "minimize"]
    max_regression: float = 0.0


class Incumbent(Contract):
    """The champion of the environment at the time of the question."""

    version: int
    epoch: int
    metrics: Metrics


class Vote(Contract):
    """One person's word on one piece of evidence."""

    by: str
    roles: tuple[str, ...]
    at: Utc
    evidence_digest: Sha256
    comment: str = ""


class PromotionQuestion(Contract):
    """The input of the promotion policy, beside the time at which it is asked."""

    kind: Literal["promotion"] = "promotion"
    model: str
    task: Task
    risk_tier: RiskTier
    owners: tuple[str, ...]
    environment: Environment
    version: int
    run_id: str
    author: str
    requester: str = Field(default="", description="who asked for this run, if not the author")
    hotfix: bool = Field(default=False, description="whether its run went before others")
    thresholds: tuple[Threshold, ...]
    primary: PrimaryMetric
    rules: tuple[Rule, ...] = ()
    modes: Modes = Modes()
    evidence: Evidence
    evidence_digest: Sha256
    champion: Incumbent | None = None
    votes: tuple[Vote, ...] = ()


class Ruling(Contract):
    """A person's word on what the figures of a rollout did not decide.

    Attributes:
        evidence_digest: of the figures that they looked at.
    """

    by: str
    roles: tuple[str, ...]
    at: Utc
    go_on: bool
    evidence_digest: Sha256
    comment: str = ""


def kind_of(question: Json) -> str:
    """Which decision answers a question as it was put; one without a kind is a promotion's."""
    return str(question.get("kind", "promotion"))


def wish(question: Json) -> str:
    """What a version wanted of its environment, as in "version 3 ..." or "may version 3 ...".

    Args:
        question: as it was put, of any kind.
    """
    where = question.get("environment", "")
    if question.get("kind") == "monitoring":
        return f"to go on as champion of {where}"
    if question.get("kind") != "rollout":
        return f"into {where}"
    if question.get("phase") == "guard":
        return f"to stay champion of {where}"
    shares = (question.get("percent"), question.get("next_percent"))
    now, then = (f"{share:g} %" if isinstance(share, int | float) else "?" for share in shares)
    return f"from {now} to {then} in {where}"


class RolloutQuestion(Contract):
    """The input of the rollout policy, beside the time at which it is asked.

    Attributes:
        phase: `step`: may it go on to the next one? `guard`: may the champion stay?
        step: its number, from 1, out of `steps`.
        percent: of the requests that the version has.
        next_percent: that it is to have; 100 after the last step.
        assessments: by what was watched.
        ruling: of a person, where the figures did not decide.
    """

    kind: Literal["rollout"] = "rollout"
    phase: Literal["step", "guard"] = "step"
    model: str
    risk_tier: str
    environment: Environment
    version: int
    run_id: str
    author: str
    requester: str = ""
    champion: int
    strategy: str
    step: int
    steps: int
    percent: float
    next_percent: float
    verdict: Verdict
    assessments: dict[str, Assessment]
    ruling: Ruling | None = None


class Watched(Contract):
    """What a champion's newest windows say together, of drift, of quality or of its errors.

    Attributes:
        verdict: of `perennial.analysis.lasting`: `fail` and `error` where enough windows say so.
        severity: the same.
        reason: the sentence with the numbers.
        newest: what the newest window itself says, with its numbers.
    """

    verdict: Verdict
    severity: Severity
    reason: str
    newest: str = ""


class MonitoringQuestion(Contract):
    """The input of the monitoring policy: what is done about a window of a champion?

    Attributes:
        run_id: that made the version.
        window_start: of the newest window.
        window_end: of it.
        rows: of it, that the champion answered.
        drift: of what it is asked and answers.
        quality: by labels; None where none are waited for.
        concept: by labels, whether its errors have become larger than they were when it began;
            None where that is not judged, and in questions from before it was.
        back_to: the champion before it, if there was one.
        armed: whether its promotion is so recent that it is rolled back rather than trained again.
        retraining: whether the spec has it trained again by itself, and for what.
        dry_run: nothing is done about the answer.
    """

    kind: Literal["monitoring"] = "monitoring"
    model: str
    risk_tier: RiskTier
    environment: Environment
    version: int
    run_id: str
    window_start: Utc
    window_end: Utc
    rows: int
    drift: Watched
    quality: Watched | None = None
    concept: Watched | None = None
    back_to: int | None = None
    armed: bool = False
    retraining: tuple[str, ...] = ()
    dry_run: bool = False


Question = Annotated[
    PromotionQuestion | RolloutQuestion | MonitoringQuestion, Field(discriminator="kind")
]
"""Whatever the policy is asked; its `kind` says which decision answers it."""


class Decide(Contract):
    """Ask the policy once; `effect` makes a repeated delivery return the stored answer."""

    effect: str
    question: Question


class Decision(Contract):
    """An answer as it was stored. Undefined and malformed answers are stored as `error`."""

    decision_id: str
    outcome: Literal["allow", "deny", "needs_approval", "error"]
    action: str = Field(default="", description="of monitoring: what is done; else empty")
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = Field(
        default=(), description="broken rules that the spec has in the mode warn"
    )
    dry_run: tuple[str, ...] = Field(default=(), description="the same of the mode dry-run")
    approvals_required: int = 0
    approvals_missing: int = 0
    policy_digest: str = ""
    decided_at: Utc

    @property
    def allowed(self) -> bool:
        """Whether what was asked for may be done now."""
        return self.outcome == "allow"


class RefuseUnasked(Contract):
    """Record that the policy could not be asked: not allowed, and why."""

    effect: str
    question: Question
    reason: str


@activity.defn(name="decide_promotion")
async def decide_promotion(input: Decide) -> Decision:
    """Ask OPA and store input, policy digest and answer. Raises PolicyUnavailable."""
    raise NotImplementedError


@activity.defn(name="decide_rollout")
async def decide_rollout(input: Decide) -> Decision:
    """The same for the question of a rollout. Raises PolicyUnavailable."""
    raise NotImplementedError


@activity.defn(name="decide_monitoring")
async def decide_monitoring(input: Decide) -> Decision:
    """The same for the question of a monitor. Raises PolicyUnavailable."""
    raise NotImplementedError


@activity.defn(name="refuse_unasked")
async def refuse_unasked(input: RefuseUnasked) -> Decision:
    """Store an `error` decision for a policy that stayed away."""
    raise NotImplementedError
