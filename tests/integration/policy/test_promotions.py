"""Promotions, judged by a real OPA and kept in real records."""

from __future__ import annotations

import asyncio
import math
from datetime import datetime
from pathlib import Path
from typing import Any

from activities.policy import PolicyActivities
from api.db.store import Store
from perennial.contracts.evidence_plan import Mode
from perennial.contracts.policy import Decide, Decision
from tests import questions
from tests.integration.policy.asking import kept, question
from tests.servers import free_port


async def test_a_good_version_is_allowed_and_the_answer_kept(
    gate: PolicyActivities, store: Store, bundle: Path
) -> None:
    asked = question()
    decision = await gate.decide_promotion(Decide(effect="allowed", question=asked))
    assert decision.allowed
    assert decision.reasons == ()
    assert (decision.approvals_required, decision.approvals_missing) == (1, 0)
    assert bundle.name == f"{decision.policy_digest}.tar.gz"
    row = kept(store, "allowed")
    assert row is not None
    assert row.decision_id == decision.decision_id
    assert row.decision_id.startswith("d-") and len(row.decision_id) == 14
    assert datetime.fromisoformat(row.question["now"]) == decision.decided_at
    assert row.question == questions.as_input(asked, decision.decided_at)
    assert row.answer["result"]["policy_digest"] == decision.policy_digest


async def test_a_worse_version_is_denied_with_the_numbers(gate: PolicyActivities) -> None:
    decision = await gate.decide_promotion(Decide(effect="denied", question=question(roc_auc=0.61)))
    assert decision.outcome == "deny"
    assert decision.reasons == (
        "roc_auc 0.61 is below the minimum 0.65 in production",
        "roc_auc 0.61 of version 4 is worse than 0.7 of champion version 3 in production "
        "by 0.09, and 0.01 is allowed",
    )


async def test_a_broken_rule_denies_warns_or_is_told_as_the_spec_says(
    gate: PolicyActivities, store: Store
) -> None:
    async def ask(effect: str, mode: Mode, **changes: Any) -> Decision:
        fair = questions.RULES[3].model_copy(update={"max": 0.1, "mode": mode})
        asked = question(rules=(fair,), **changes)
        return await gate.decide_promotion(Decide(effect=effect, question=asked))

    unfair = (
        "equalized_odds_difference between the groups of sex 0.18 is above the maximum 0.1, "
        "by a rule on fairness in production"
    )
    denied, warned = await ask("enforced", "enforce"), await ask("warned", "warn")
    assert (denied.outcome, denied.reasons, denied.warnings) == ("deny", (unfair,), ())
    assert (warned.outcome, warned.reasons, warned.warnings) == ("allow", (), (unfair,))
    assert await ask("warned", "enforce") == warned, "a repeat gets the warnings too"
    assert (await ask("dry", "dry-run")).dry_run == (unfair,)
    high = await ask("high", "warn", risk_tier="high", approvers=("bob", "eve"))
    assert high.reasons == (unfair,), "high risk relaxes nothing in production"


async def test_people_are_asked_where_the_policy_says_so(gate: PolicyActivities) -> None:
    async def ask(effect: str, **changes: Any) -> tuple[str, int, int]:
        decision = await gate.decide_promotion(Decide(effect=effect, question=question(**changes)))
        return decision.outcome, decision.approvals_required, decision.approvals_missing

    assert await ask("unasked", approvers=()) == ("needs_approval", 1, 1)
    assert await ask("author", approvers=("ada",)) == ("needs_approval", 1, 1)
    assert await ask("half", risk_tier="high") == ("needs_approval", 2, 1)
    assert await ask("both", risk_tier="high", approvers=("bob", "eve")) == ("allow", 2, 0)
    assert await ask("hotfix", risk_tier="low", approvers=(), hotfix=True) == (
        "needs_approval",
        1,
        1,
    )
    assert await ask("staging", environment="staging", approvers=()) == ("allow", 0, 0)


async def test_a_repeated_delivery_gets_the_first_answer(
    gate: PolicyActivities, store: Store
) -> None:
    first = await gate.decide_promotion(Decide(effect="repeated", question=question()))
    nobody_listens = PolicyActivities.connect(f"http://127.0.0.1:{free_port()}", store)
    again = await nobody_listens.decide_promotion(
        Decide(effect="repeated", question=question(roc_auc=0.1))
    )
    assert again == first


async def test_deliveries_at_the_same_time_get_one_answer(
    gate: PolicyActivities, store: Store
) -> None:
    asked = [Decide(effect="at-once", question=question()) for _ in range(8)]
    decisions = await asyncio.gather(*(gate.decide_promotion(each) for each in asked))
    assert len(set(decisions)) == 1
    assert kept(store, "at-once") is not None


async def test_a_metric_that_is_no_number_is_denied_by_name(gate: PolicyActivities) -> None:
    asked = question()
    metrics = {"roc_auc": math.nan}
    lost = asked.model_copy(
        update={"evidence": asked.evidence.model_copy(update={"metrics": metrics})}
    )
    decision = await gate.decide_promotion(Decide(effect="nan", question=lost))
    assert decision.outcome == "deny"
    assert "the evidence has no roc_auc, the primary metric" in decision.reasons
