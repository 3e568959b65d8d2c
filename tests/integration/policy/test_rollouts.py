"""Steps of a rollout and champions under guard, judged by a real OPA."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from activities.policy import PolicyActivities
from api.db.store import Store
from perennial.contracts.policy import Decide, RefuseUnasked
from perennial.policy_bundle import build_from_texts
from tests import questions
from tests.integration.policy.asking import Opa, kept, policy_texts, question, rollout
from tests.servers import program


async def test_a_rollout_that_passes_goes_on_and_the_answer_is_kept(
    gate: PolicyActivities, store: Store, bundle: Path
) -> None:
    asked = rollout()
    decision = await gate.decide_rollout(Decide(effect="rollout", question=asked))
    assert decision.allowed
    assert (decision.reasons, decision.approvals_required) == ((), 0)
    assert bundle.name == f"{decision.policy_digest}.tar.gz"
    row = kept(store, "rollout")
    assert row is not None
    assert row.question == questions.as_input(asked, decision.decided_at)
    about = (row.model, row.environment, row.version, row.run_id)
    assert about == ("flights", "production", 4, "flights-1")


async def test_a_rollout_that_fails_is_denied_whoever_ruled(gate: PolicyActivities) -> None:
    reason = (
        "version 4 fails errors at 5 % in production, step 2 of 4: errors: 2.00 % of 400 requests; "
        "send its requests back to version 3 and look for the cause"
    )
    for effect, ruled_by in (("fails", None), ("fails, ruled", "bob")):
        asked = rollout(errors="fail", ruled_by=ruled_by)
        decision = await gate.decide_rollout(Decide(effect=effect, question=asked))
        assert (decision.outcome, decision.reasons) == ("deny", (reason,))


async def test_time_does_not_promote_but_a_person_may(gate: PolicyActivities) -> None:
    async def ask(effect: str, **changes: Any) -> tuple[str, tuple[str, ...]]:
        asked = Decide(effect=f"ruling: {effect}", question=rollout(**changes))
        decision = await gate.decide_rollout(asked)
        return decision.outcome, decision.reasons

    outcome, (reason,) = await ask("none", errors="no_data")
    assert outcome == "deny"
    assert "errors does not decide on version 4 at 5 % in production, step 2 of 4" in reason
    assert "a person with the role admin or approver" in reason
    assert await ask("bob", errors="no_data", ruled_by="bob") == ("allow", ())
    assert await ask("eve", errors="inconclusive", ruled_by="eve") == ("allow", ())
    assert await ask("author", errors="inconclusive", ruled_by="ada") == (
        "deny",
        ("ada may not rule on version 4, being its author; ask somebody else",),
    )
    assert await ask("requester", errors="inconclusive", ruled_by="rob") == (
        "deny",
        ("rob may not rule on version 4, having asked for its run; ask somebody else",),
    )
    outcome, reasons = await ask("against", errors="no_data", ruled_by="bob", go_on=False)
    assert outcome == "deny"
    assert any(reason.startswith("bob ruled that version 4 does not go on") for reason in reasons)


async def test_a_share_that_is_no_number_is_denied_by_name(gate: PolicyActivities) -> None:
    asked = rollout(percent=math.nan)
    decision = await gate.decide_rollout(Decide(effect="nan share", question=asked))
    assert decision.outcome == "deny"
    assert "percent is missing or is not a number from 0 on" in decision.reasons


async def test_more_risk_starts_smaller(gate: PolicyActivities) -> None:
    asked = rollout(step=1, percent=25.0, next_percent=50.0, risk_tier="high")
    decision = await gate.decide_rollout(Decide(effect="large start", question=asked))
    assert decision.reasons == (
        "version 4 starts with 25 % of the requests in production, and 10 % is the most at high "
        "risk; give the rollout a smaller first step",
    )


async def test_a_champion_stays_until_an_assessment_fails(gate: PolicyActivities) -> None:
    for verdict, outcome in (("pass", "allow"), ("no_data", "allow"), ("fail", "deny")):
        asked = rollout(phase="guard", errors=verdict)
        decision = await gate.decide_rollout(Decide(effect=f"guard {verdict}", question=asked))
        assert decision.outcome == outcome
    assert decision.reasons == (
        "champion version 4 fails errors in production: errors: 2.00 % of 400 requests; roll it "
        "back and look for the cause",
    )


async def test_a_rollout_that_could_not_be_asked_for_is_not_allowed(
    gate: PolicyActivities, store: Store
) -> None:
    refuse = RefuseUnasked(effect="rollout away", question=rollout(), reason="OPA was away")
    decision = await gate.refuse_unasked(refuse)
    assert (decision.outcome, decision.reasons) == ("error", ("OPA was away",))
    row = kept(store, "rollout away")
    assert row is not None and row.question["kind"] == "rollout"


async def test_a_policy_of_before_rollouts_decides_none(store: Store, tmp_path: Path) -> None:
    before = {
        name: text
        for name, text in policy_texts().items()
        if not name.startswith("perennial/rollout/")
    }
    server = Opa(build_from_texts(before, tmp_path, program("opa")))
    gate = PolicyActivities.connect(server.url, store)
    try:
        promotion = await gate.decide_promotion(Decide(effect="old 1", question=question()))
        decision = await gate.decide_rollout(Decide(effect="old 2", question=rollout()))
    finally:
        await gate.close()
        server.kill()
    assert promotion.allowed
    assert decision.outcome == "error"
    assert "data.perennial.rollout.decision" in decision.reasons[0]
