"""The JSON documents of the HTTP interface, as plain typed dictionaries.

The command line and the client read these. They are not validated: an API of a later version may
add keys, and a reader of an earlier one goes on working.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

Json = dict[str, Any]
Metrics = dict[str, float]


class Identity(TypedDict):
    """Who a token belongs to."""

    name: str
    role: Literal["viewer", "engineer", "approver", "admin", "data-plane"]


class SpecApplied(TypedDict):
    """The spec version that counts from the next run on."""

    model: str
    spec_version: int
    changed: bool


class RunAccepted(TypedDict):
    """The run that a request started, and how many are before it."""

    run_id: str
    status: str
    ahead: int


class ModelStatus(TypedDict):
    """Active, paused or retired."""

    model: str
    status: str


class Platform(TypedDict):
    """Whether new runs and promotions are stopped everywhere, and by whom."""

    paused: bool
    epoch: int
    actor: str
    reason: str
    since: str | None


class Champion(TypedDict):
    """Which version an environment has, and by whose hand. Version None: none at present."""

    environment: str
    version: int | None
    epoch: int
    since: str | None
    cause: str
    actor: str
    reason: str
    run_id: str | None
    decision_id: str | None


# `from` is a keyword of Python, so that this one has the other syntax.
Reign = TypedDict(
    "Reign",
    {
        "environment": str,
        "version": int | None,
        "epoch": int,
        "from": str,
        "to": str | None,
        "cause": str,
        "actor": str,
        "reason": str,
        "run_id": str | None,
        "decision_id": str | None,
        "approved_by": list[str],
    },
)


class VariantShare(TypedDict):
    """A version's part of the requests, and what it did with them."""

    name: str
    version: int
    percent: float
    shadow_percent: float
    requests: int
    errors: int
    slow: int
    refused: int
    compared: int
    disagreed: int
    missed: int
    logged: int
    lost: int
    labelled: int
    wrong: int


class RolloutProgress(TypedDict):
    """A rollout that is under way."""

    run_id: str
    version: int
    step: int
    percent: float
    verdict: str
    reason: str
    held: str
    waiting: bool
    evidence_digest: str
    expires_at: str | None


class Rollout(TypedDict):
    """What answers a model's requests in an environment."""

    model: str
    environment: str
    epoch: int
    champion_epoch: int
    variants: list[VariantShare]
    processes: int
    behind: list[str]
    under_way: RolloutProgress | None


class RolloutPlan(TypedDict):
    """What a rollout will do, and how long it takes."""

    strategy: str
    steps: str
    expected_seconds: float
    worst_seconds: float
    guard: str


class Window(TypedDict):
    """A window of a champion's requests: what it showed, and what was done about it."""

    model: str
    environment: str
    version: int
    start: str
    end: str
    rows: int
    verdict: str
    reason: str
    answers: Json | None
    labelled: int
    coverage: float | None
    quality_verdict: str | None
    metrics: Metrics
    promised: Metrics
    action: str | None
    decision_id: str | None
    followed: str


class WindowDetail(Window):
    """A window with all that was measured in it."""

    judged_at: str
    judged: Json
    drift: Json | None
    swept_at: str | None
    quality_at: str | None
    quality: Json | None


class Model(TypedDict):
    """A model and what it is doing now."""

    name: str
    description: str
    status: str
    task: str
    risk_tier: str
    owners: list[str]
    environments: list[str]
    project: str
    spec_version: int
    updated_at: str
    champions: list[Champion]
    runs_under_way: list[str]


class Vote(TypedDict):
    """One person's yes or no."""

    by: str
    approve: bool
    at: str
    comment: str


class Approval(TypedDict):
    """A question to people about one version in one environment."""

    approval_id: str
    run_id: str
    model: str
    version: int
    environment: str
    author: str
    required: int
    status: str
    evidence_digest: str
    opened_at: str
    expires_at: str
    votes: list[Vote]


class VoteTaken(TypedDict):
    """What a vote led to."""

    approval_id: str
    status: str
    votes: int
    required: int


class Stage(TypedDict):
    """One step of a run."""

    stage: str
    environment: str | None
    status: str
    summary: str
    detail: Json
    progress: Json
    started_at: str | None
    finished_at: str | None


class Retrying(TypedDict):
    """Work that failed and is tried again; `attempt` is the one that comes next."""

    activity: str
    attempt: int
    message: str


class RunSummary(TypedDict):
    """A run without its stages, as lists have it."""

    run_id: str
    model: str
    kind: str
    status: str
    outcome: str | None
    reason: str
    error_type: str
    actor: str
    asked_because: str
    hotfix: bool
    group_id: str | None
    spec_version: int
    version: int | None
    reached: str | None
    waiting_for: str
    created_at: str
    started_at: str | None
    finished_at: str | None


class Run(RunSummary):
    """A run with its stages, its open question, and where to look further."""

    overrides: Json
    stages: list[Stage]
    approval: Approval | None
    retrying: list[Retrying]
    links: dict[str, str]


class GroupAccepted(TypedDict):
    """The group that a request started."""

    group_id: str


class Group(TypedDict):
    """Versions of several models that move together; `status` is under_way, promoted or off."""

    group_id: str
    status: str
    runs: list[RunSummary]


class GroupMoved(TypedDict):
    """A champion that was put back with others."""

    model: str
    environment: str
    version: int | None
    epoch: int


class GroupRolledBack(TypedDict):
    """All champions that a group had moved, as they are now."""

    group_id: str
    champions: list[GroupMoved]


class Decision(TypedDict):
    """A judgement of the policy as it was stored."""

    decision_id: str
    kind: str
    model: str
    environment: str
    version: int
    run_id: str
    wish: str
    outcome: str
    action: str
    reasons: list[str]
    warnings: list[str]
    dry_run: list[str]
    approvals_required: int
    approvals_missing: int
    policy_digest: str
    decided_at: str


class DecisionDetail(Decision):
    """A decision with exactly what was asked and answered."""

    question: Json
    answer: Json


class Flip(TypedDict):
    """A decision that would be another one now."""

    decision_id: str
    kind: str
    model: str
    environment: str
    version: int
    wish: str
    window_start: str | None
    stored: Json
    now: Json


class Replay(TypedDict):
    """What asking again led to."""

    asked: int
    agreed: int
    skipped: int
    windows: int
    flipped: list[Flip]


class PolicyChecked(TypedDict):
    """What a policy says of the champions."""

    policy_digest: str
    asked: int
    unasked: int
    flipped: list[Flip]


class PolicyApplied(PolicyChecked):
    """A policy that is in force."""

    replaced: str
    wished: dict[str, str]


class LedgerRow(TypedDict):
    """One row of the hash-chained ledger."""

    seq: int
    at: str
    actor: str
    kind: str
    model: str
    subject: str
    body: Json
    effect: str
    prev_hash: str
    hash: str


class FirstBad(TypedDict):
    """The first row of a ledger that does not hold."""

    seq: int
    problem: str


class LedgerVerdict(TypedDict):
    """Whether the chain holds from its first row to its head."""

    ok: bool
    rows: int
    head: str
    first_bad: FirstBad | None


class Problem(TypedDict, total=False):
    """RFC 9457 problem details; `problems` comes with a spec that is wrong."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    problems: list[SpecProblem]


class SpecProblem(TypedDict, total=False):
    """One thing wrong in a spec, and where."""

    line: int | None
    column: int | None
    field: str
    expected: str
    got: Any
