"""Questions for the policy, good ones of each kind, and what to change to make them worse."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from perennial.canonical import digest
from perennial.contracts.advisories import DependencyCheck
from perennial.contracts.analysis import Assessment, Verdict
from perennial.contracts.base import Json
from perennial.contracts.drift import Severity
from perennial.contracts.evidence_plan import Rule
from perennial.contracts.examined import (
    Calibration,
    Examined,
    Group,
    Groups,
    Interval,
    Paired,
    Robustness,
    Speed,
    Strain,
)
from perennial.contracts.policy import (
    Incumbent,
    MonitoringQuestion,
    PrimaryMetric,
    PromotionQuestion,
    RolloutQuestion,
    Ruling,
    Vote,
    Watched,
)
from perennial.contracts.spec import Environment, RiskTier, Threshold
from perennial.contracts.training import Parity
from tests import samples

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)

EXAMINED = Examined(
    samples=1000,
    confidence=0.95,
    intervals={"roc_auc": Interval(low=0.69, high=0.75)},
    calibration=Calibration(error=0.03, brier=0.15, bins=()),
    groups={
        "sex": Groups(
            smallest=50,
            groups=(
                Group(
                    value="F",
                    rows=120,
                    judged=True,
                    metrics={"roc_auc": 0.74},
                    intervals={"roc_auc": Interval(low=0.69, high=0.79)},
                ),
                Group(
                    value="M",
                    rows=80,
                    judged=True,
                    metrics={"roc_auc": 0.69},
                    intervals={"roc_auc": Interval(low=0.6, high=0.77)},
                ),
            ),
            fairness={"equalized_odds_difference": 0.18},
            intervals={"equalized_odds_difference": Interval(low=0.05, high=0.31)},
        )
    },
    robustness=Robustness(
        rows=200, undisturbed=0.72, strains={"noise": Strain(value=0.71, drop=0.01)}
    ),
    paired={3: Paired(difference=0.02, low=-0.005, high=0.045, probability_better=0.94)},
)
RULES = (
    Rule(of="metric", measure="roc_auc", max=1),
    Rule(of="metric", measure="roc_auc", by="interval", max=1),
    Rule(of="slice", measure="roc_auc", column="sex", max=1),
    Rule(of="fairness", measure="equalized_odds_difference", column="sex", max=0.2),
    Rule(of="robustness", measure="noise", max=0.05),
    Rule(of="calibration", measure="error", max=0.1),
    Rule(of="champion", measure="difference", max=1),
    Rule(of="champion", measure="difference", by="interval", max=1),
    Rule(of="parity", measure="flips", max=0),
    Rule(of="latency", measure="p99_ms_1", max=5),
    Rule(of="size", measure="megabytes", max=10),
    Rule(of="freshness", measure="age_days", max=7),
    Rule(of="dependencies", measure="advisories", max=0),
    Rule(of="slice", measure="roc_auc", column="sex", by="interval", max=1),
    Rule(of="fairness", measure="equalized_odds_difference", column="sex", by="interval", max=0.4),
    Rule(of="opset", measure="version", max=20),
)
"""One on each subject at least; the good version keeps all of them."""


def question(
    *,
    environment: Environment = "production",
    risk_tier: RiskTier = "medium",
    roc_auc: float = 0.72,
    champion: float | None = 0.7,
    approvers: tuple[str, ...] = ("bob",),
    hotfix: bool = False,
    rules: tuple[Rule, ...] = (),
    asked_at: datetime = NOW,
    run_id: str = "flights-1",
) -> PromotionQuestion:
    """Version 4 of flights, measured an hour before it is asked about. Allowed as it is."""
    measured = {} if champion is None else {3: {"roc_auc": champion}}
    code = samples.trained().code.model_copy(update={"git_commit": "0" * 40, "dirty": False})
    evidence = samples.evidence(4, run_id, roc_auc=roc_auc).model_copy(
        update={
            "champions": measured,
            "code": code,
            "parity": Parity(
                passed=True,
                batch_sizes=(1, 7, 64),
                rows=72,
                max_abs_diff=1e-7,
                tolerance=1e-4,
                flips=0,
            ),
            "examined": EXAMINED,
            "speed": Speed(
                p50_ms_1=0.1, p99_ms_1=0.2, p50_ms_64=0.5, p99_ms_64=0.9, rows_per_second=9e4
            ),
            "opset": 20,
            "megabytes": 0.5,
            "dependencies": DependencyCheck(
                status="checked", packages=150, advisories=0, checked_at=asked_at
            ),
            "produced_at": asked_at - timedelta(hours=1),
        }
    )
    seen = digest(evidence)
    return PromotionQuestion(
        model="flights",
        task="binary",
        risk_tier=risk_tier,
        owners=("data-team",),
        environment=environment,
        version=4,
        run_id=run_id,
        author="ada",
        hotfix=hotfix,
        thresholds=(Threshold(metric="roc_auc", min=0.65),),
        primary=PrimaryMetric(name="roc_auc", goal="maximize", max_regression=0.01),
        rules=rules,
        evidence=evidence,
        evidence_digest=seen,
        champion=None
        if champion is None
        else Incumbent(version=3, epoch=2, metrics={"roc_auc": champion}),
        votes=tuple(
            Vote(by=name, roles=("approver",), at=asked_at, evidence_digest=seen)
            for name in approvers
        ),
    )


def rollout_question(
    *,
    phase: Literal["step", "guard"] = "step",
    errors: Verdict = "pass",
    ruled_by: str | None = None,
    go_on: bool = True,
    risk_tier: RiskTier = "medium",
    step: int = 2,
    percent: float = 5.0,
    next_percent: float = 25.0,
    asked_at: datetime = NOW,
    run_id: str = "flights-1",
) -> RolloutQuestion:
    """Version 4 of flights beside champion 3, to go on from 5 % to 25 %. Allowed as it is.

    Args:
        errors: the verdict on its errors, and so that on the version.
        ruled_by: an approver, whose word is `go_on`.
    """
    return RolloutQuestion(
        phase=phase,
        model="flights",
        risk_tier=risk_tier,
        environment="production",
        version=4,
        run_id=run_id,
        author="ada",
        requester="rob",
        champion=3,
        strategy="canary",
        step=step,
        steps=4,
        percent=percent,
        next_percent=next_percent,
        verdict=errors,
        assessments={
            "errors": Assessment(verdict=errors, reason="errors: 2.00 % of 400 requests"),
            "split": Assessment(verdict="pass", reason="8,000 requests were divided as meant"),
        },
        ruling=None
        if ruled_by is None
        else Ruling(
            by=ruled_by, roles=("approver",), at=asked_at, go_on=go_on, evidence_digest="e" * 64
        ),
    )


_SEVERITIES: dict[Verdict, Severity] = {"inconclusive": "low", "fail": "high", "error": "high"}


def watched(verdict: Verdict, severity: Severity | None = None) -> Watched:
    """What the newest windows say; the severity is the usual one of the verdict."""
    return Watched(
        verdict=verdict,
        severity=severity or _SEVERITIES.get(verdict, "none"),
        reason=f"3 of the last 5 windows say {verdict}",
        newest="distance: PSI beyond chance 0.412, 0.250 is allowed",
    )


def monitoring_question(
    *,
    drift: Verdict | Watched = "pass",
    quality: Verdict | Watched | None = "pass",
    concept: Verdict | Watched | None = "pass",
    hours: int = 0,
    asked_at: datetime = NOW,
    **changes: Any,
) -> MonitoringQuestion:
    """A window of version 4 of flights, champion after version 3. Ignored as it is.

    Args:
        hours: so many before the newest window.
    """
    ended = asked_at - timedelta(hours=hours)
    return MonitoringQuestion(
        **{
            "model": "flights",
            "risk_tier": "medium",
            "environment": "production",
            "version": 4,
            "run_id": "flights-1",
            "window_start": ended - timedelta(hours=1),
            "window_end": ended,
            "rows": 4200,
            "drift": watched(drift) if isinstance(drift, str) else drift,
            "quality": watched(quality) if isinstance(quality, str) else quality,
            "concept": watched(concept) if isinstance(concept, str) else concept,
            "back_to": 3,
            "retraining": ("drift", "quality"),
            **changes,
        }
    )


def as_input(
    asked: PromotionQuestion | RolloutQuestion | MonitoringQuestion, now: datetime = NOW
) -> Json:
    """What OPA is given."""
    document: dict[str, Any] = json.loads(asked.model_dump_json())
    return {**document, "now": now.isoformat()}
