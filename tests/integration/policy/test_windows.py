"""Windows of a champion, judged by a real OPA, and what would have been done under another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from activities.policy import PolicyActivities
from api.db.store import Store
from api.queries.runs import newest_decisions
from api.replay import replay
from perennial.contracts.policy import Decide, RefuseUnasked
from perennial.settings import Settings
from tests import questions
from tests.integration.policy.asking import kept, policy_texts, window
from tests.questions import watched
from tests.servers import program


@pytest.mark.parametrize(
    ("changes", "action"),
    [
        ({}, "ignore"),
        ({"drift": "fail"}, "retrain"),
        ({"drift": "error"}, "alert"),
        ({"quality": "fail", "armed": True}, "roll_back"),
        ({"quality": "fail", "armed": True, "dry_run": True}, "roll_back"),
        (
            {"quality": watched("fail", "critical"), "risk_tier": "high", "back_to": None},
            "stop_serving",
        ),
    ],
)
async def test_a_window_is_answered_by_an_action_and_that_is_kept(
    changes: dict[str, Any], action: str, gate: PolicyActivities, store: Store, bundle: Path
) -> None:
    asked, effect = window(**changes), f"window {changes}"
    decision = await gate.decide_monitoring(Decide(effect=effect, question=asked))
    assert decision.action == action
    assert decision.allowed == (action == "ignore") == (not decision.reasons)
    assert bundle.name == f"{decision.policy_digest}.tar.gz"
    row = kept(store, effect)
    assert row is not None
    assert (row.action, row.kind, row.run_id) == (action, "monitoring", "flights-1")
    assert row.wish == "to go on as champion of production"
    assert row.question == questions.as_input(asked, decision.decided_at)
    assert await gate.decide_monitoring(Decide(effect=effect, question=window())) == decision


async def test_a_window_that_could_not_be_asked_about_has_no_action(
    gate: PolicyActivities, store: Store
) -> None:
    refuse = RefuseUnasked(effect="window away", question=window(), reason="OPA was away")
    decision = await gate.refuse_unasked(refuse)
    assert (decision.outcome, decision.action) == ("error", "")


async def test_what_would_have_happened_under_other_limits(
    gate: PolicyActivities, store: Store, bundle: Path
) -> None:
    about = {"model": "tides"}
    for hours in range(6):
        drift = "fail" if hours < 2 else "pass"
        asked = window(drift=drift, hours=hours, **about)
        await gate.decide_monitoring(Decide(effect=f"tides {hours}", question=asked))
    await gate.decide_promotion(
        Decide(
            effect="tides",
            question=questions.question().model_copy(update=about),
        )
    )
    with store.database.reading() as session:
        decisions = newest_decisions(session, 200, model="tides", kind="monitoring")
        [promotion] = newest_decisions(session, 200, model="tides", kind="promotion")
    assert (len(decisions), promotion.action) == (6, "")
    settings = Settings(state_dir=bundle.parent.parent, opa_binary=program("opa"))
    same = await replay([*decisions, promotion], None, settings)
    assert (same.asked, same.agreed, same.windows) == (7, 7, 6)

    texts = policy_texts()
    limits = "perennial/limits/data.json"
    texts[limits] = texts[limits].replace('"retrain": {', '"retrain": {}, "no_retrain": {')
    other = await replay(decisions, texts, settings)
    assert (other.windows, other.agreed) == (6, 0), "without limits every window is an alert"
    assert {flip.now.action for flip in other.flipped} == {"alert"}
    assert sorted(flip.stored.action for flip in other.flipped) == ["ignore"] * 4 + ["retrain"] * 2
    assert len({flip.window_start for flip in other.flipped}) == 6
