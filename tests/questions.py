"""Questions for the promotion policy: a good one, and what to change to make it worse."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from perennial.canonical import digest
from perennial.contracts.base import Json
from perennial.contracts.policy import Incumbent, PrimaryMetric, PromotionQuestion, Vote
from perennial.contracts.spec import Environment, RiskTier, Threshold
from perennial.contracts.training import Parity
from tests import samples

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def question(
    *,
    environment: Environment = "production",
    risk_tier: RiskTier = "medium",
    roc_auc: float = 0.72,
    champion: float | None = 0.7,
    approvers: tuple[str, ...] = ("bob",),
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
                passed=True, batch_sizes=(1, 7, 64), rows=72, max_abs_diff=1e-7, tolerance=1e-4
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
        thresholds=(Threshold(metric="roc_auc", min=0.65),),
        primary=PrimaryMetric(name="roc_auc", goal="maximize", max_regression=0.01),
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


def as_input(asked: PromotionQuestion, now: datetime = NOW) -> Json:
    """What OPA is given."""
    document: dict[str, Any] = json.loads(asked.model_dump_json())
    return {**document, "now": now.isoformat()}
