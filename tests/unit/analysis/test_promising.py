"""From metrics and promises to a verdict."""

from __future__ import annotations

import pytest

from perennial.analysis.promising import CHANCE, Goal, enough, judge_quality, promised_by
from perennial.contracts.analysis import Verdict
from perennial.contracts.drift import Band
from perennial.contracts.examined import Examined, Groups
from perennial.contracts.monitoring_plan import QualityPlan
from tests.samples import evidence

PLAN = QualityPlan()  # 200 rows, 20 %; warn 0.02, alert 0.05
DEVIATION = 0.01
PROMISED = {"roc_auc": 0.8, "log_loss": 0.4, "own": 1.0}


@pytest.mark.parametrize(
    ("rows", "labelled", "said"),
    [
        (0, 0, "answered no row"),
        (1000, 199, "199 of 1,000 rows have labels (20%), 200 rows and 20% are needed"),
        (1001, 200, "200 of 1,001"),
        (1000, 200, ""),
    ],
)
def test_the_floors(rows: int, labelled: int, said: str) -> None:
    found = enough(rows, labelled, PLAN)
    assert said in found if said else not found


@pytest.mark.parametrize(
    ("goal", "worse", "verdict"),
    [
        ("maximize", -0.2, "pass"),
        ("maximize", 0.03, "pass"),  # 0.0136 beyond chance
        ("maximize", 0.04, "inconclusive"),
        ("maximize", 0.066, "inconclusive"),
        ("maximize", 0.067, "fail"),
        ("minimize", -0.067, "fail"),
        ("minimize", 0.2, "pass"),
    ],
)
def test_chance_is_taken_off(goal: Goal, worse: float, verdict: Verdict) -> None:
    metrics = {"roc_auc": 0.8 - worse}
    found = judge_quality(
        metrics, PROMISED, {"roc_auc": DEVIATION}, PLAN, primary="roc_auc", goal=goal
    )
    assert found.verdict == verdict
    beyond = max(0.0, abs(worse) - CHANCE * DEVIATION) if verdict != "pass" else found.excess * 0.05
    assert found.excess == pytest.approx(beyond / 0.05)
    assert found.reason.startswith(f"roc_auc {metrics['roc_auc']:.4g}, 0.8 was promised: ")


def test_other_metrics_have_a_direction_of_their_own() -> None:
    plan = PLAN.model_copy(
        update={"limits": {"log_loss": PLAN.worse, "own": PLAN.worse, "gone": PLAN.worse}}
    )
    metrics = {"roc_auc": 0.8, "log_loss": 0.5, "own": 2.0}
    none = dict.fromkeys(metrics, 0.0)
    found = judge_quality(metrics, PROMISED, none, plan, primary="roc_auc", goal="maximize")
    assert (found.verdict, found.excess) == ("fail", pytest.approx(2))
    assert found.reason == (
        "log_loss 0.5, 0.4 was promised: 0.1 worse beyond chance, 0.05 is allowed; gone was not "
        "measured on these rows; roc_auc 0.8, 0.8 was promised: 0 worse beyond chance, 0.02 is "
        "allowed"
    )
    worse = judge_quality(
        metrics | {"log_loss": 0.4, "own": 0.0},
        PROMISED,
        none,
        plan,
        primary="own",
        goal="minimize",
    )
    assert worse.verdict == "pass"


def test_what_cannot_be_compared_is_open() -> None:
    def judged(metrics: dict[str, float], deviations: dict[str, float]) -> tuple[Verdict, str]:
        found = judge_quality(
            metrics, PROMISED, deviations, PLAN, primary="roc_auc", goal="maximize"
        )
        assert found.excess == 0
        return found.verdict, found.reason

    assert judged({}, {}) == ("inconclusive", "roc_auc was not measured on these rows")
    verdict, reason = judged({"roc_auc": 0.5}, {})
    assert verdict == "inconclusive" and "what chance does to it cannot be told" in reason
    assert judged({"roc_auc": 0.79}, {})[0] == "pass"
    found = judge_quality({"f1": 1}, {}, {}, PLAN, primary="f1", goal="maximize")
    assert (found.verdict, found.reason) == ("inconclusive", "f1 was not promised")


def test_fairness_is_promised_and_worse_where_groups_are_further_apart() -> None:
    groups = Groups(smallest=5, groups=(), fairness={"demographic_parity_difference": 0.1})
    examined = Examined.model_construct(groups={"origin": groups})
    known = evidence(1, "r1", roc_auc=0.8).model_copy(update={"examined": examined})
    name = "demographic_parity_difference by origin"
    promised = promised_by(known)
    assert promised == {**known.metrics, name: 0.1}
    plan = QualityPlan(limits={name: Band(warn=0.05, alert=0.2)})
    for now, verdict in ((0.12, "pass"), (0.0, "pass"), (0.4, "inconclusive")):
        metrics = {"roc_auc": 0.8, name: now}
        deviations = {"roc_auc": DEVIATION}
        kept = judge_quality(
            metrics, promised, deviations, plan, primary="roc_auc", goal="maximize"
        )
        assert kept.verdict == verdict, kept.reason
