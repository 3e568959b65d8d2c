"""Kept questions are asked again: the same answer, or another under another policy."""

from __future__ import annotations

from pathlib import Path

from activities.policy import PolicyActivities
from api.db.store import Store
from api.replay import replay
from api.schemas.runs import DecisionDetail, ReplayAnswer
from perennial.contracts.policy import Decide
from perennial.policy_answer import interpret
from perennial.policy_bundle import build_from_texts, evaluate
from perennial.settings import Settings
from tests.integration.policy.asking import kept, policy_texts, question, rollout
from tests.servers import program


async def test_a_kept_question_asked_again_is_answered_the_same(
    gate: PolicyActivities, store: Store, bundle: Path, tmp_path: Path
) -> None:
    await gate.decide_promotion(Decide(effect="again-1", question=question()))
    await gate.decide_promotion(Decide(effect="again-2", question=question(roc_auc=0.66)))
    rows = [row for row in (kept(store, "again-1"), kept(store, "again-2")) if row]
    answers = await evaluate(bundle, [row.question for row in rows], program("opa"))
    assert [interpret(answer).outcome for answer in answers] == ["allow", "deny"]
    for row, answer in zip(rows, answers, strict=True):
        reading = interpret(answer)
        assert list(reading.reasons) == row.reasons
        assert reading.policy_digest == row.policy_digest

    texts = policy_texts()
    limits = "perennial/limits/data.json"
    texts[limits] = texts[limits].replace('"min_test_rows": 100', '"min_test_rows": 1000')
    stricter = build_from_texts(texts, tmp_path, program("opa"))
    answers = await evaluate(stricter, [row.question for row in rows], program("opa"))
    assert all(
        "200 held-out rows are fewer than the 1000 needed in production"
        in interpret(answer).reasons
        for answer in answers
    )


async def test_questions_of_both_kinds_are_asked_again_together(
    gate: PolicyActivities, store: Store, bundle: Path
) -> None:
    await gate.decide_rollout(Decide(effect="both 1", question=rollout(errors="error")))
    await gate.decide_promotion(Decide(effect="both 2", question=question()))
    await gate.decide_rollout(Decide(effect="both 3", question=rollout()))
    await gate.decide_promotion(Decide(effect="both 4", question=question(roc_auc=0.1)))
    rows = [row for number in range(1, 5) if (row := kept(store, f"both {number}"))]
    decisions = [DecisionDetail.model_validate(row) for row in rows]
    settings = Settings(state_dir=bundle.parent.parent, opa_binary=program("opa"))
    again = await replay(decisions, None, settings)
    assert again == ReplayAnswer(asked=4, agreed=4, skipped=0, windows=0, flipped=[])
    assert [row.outcome for row in rows] == ["deny", "allow", "allow", "deny"]

    texts = policy_texts()
    limits = "perennial/limits/data.json"
    texts[limits] = texts[limits].replace('"rollout"', '"no_rollout"')
    other = await replay(decisions, texts, settings)
    assert [flip.decision_id for flip in other.flipped] == [decisions[2].decision_id]
    assert other.flipped[0].now.reasons == [
        "the limit rollout.first_percent.medium is not set; put a number into data.perennial.limits"
    ]
