"""Late labels: no data until some of both sides have come, and a verdict with its numbers then."""

from __future__ import annotations

import random

import pytest

from perennial.analysis import labelling, late_labels, rolling
from perennial.analysis.late_labels import LateLabels
from perennial.contracts.analysis import Comparison, Counted, Verdict
from perennial.contracts.rollout import Seen
from perennial.contracts.rollout_plan import Guardrails, QualityLimit, RolloutPlan
from perennial.contracts.serving import Labelled
from tests.unit.analysis.test_rolling import SERVED, deployment, tallies

ALPHA = 0.05
LIMIT = QualityLimit(allowed=0.02, requests=200)
Side = tuple[int, int]


def sums(challenger: Side = (0, 0), control: Side = (0, 0), champion: Side = (0, 0)) -> list:
    """Labelled requests and wrong ones of each variant."""
    sides = (("challenger", 2, challenger), ("control", 1, control), ("champion", 2, champion))
    return [
        Labelled(epoch=2, variant=name, version=version, requests=requests, wrong=wrong)
        for name, version, (requests, wrong) in sides
    ]


@pytest.mark.parametrize(
    ("challenger", "control", "verdict", "said"),
    [
        ((0, 0), (0, 0), "no_data", "no label of the challenger has come"),
        ((500, 9), (0, 0), "no_data", "no label of the control has come"),
        ((100, 9), (150, 9), "inconclusive", "200 of each are needed"),
        ((400, 40), (400, 40), "pass", "wrong answers: 10.00 % of 400 requests"),
        ((400, 44), (400, 40), "pass", "2.00 % more is allowed"),
        ((400, 52), (400, 40), "inconclusive", "it is not certain yet"),
        ((400, 120), (400, 40), "fail", "400 of 1,000 requests have labels, 400 of 990 of the"),
        ((150, 75), (150, 15), "fail", "wrong answers: 50.00 % of 150 requests"),
    ],
)
def test_verdicts_and_how_many_requests_have_labels(
    challenger: Side, control: Side, verdict: Verdict, said: str
) -> None:
    known, before = Comparison(), sums()
    for part in (4, 2, 1):  # labels come bit by bit
        now = sums(*((count // part, hits // part) for count, hits in (challenger, control)))
        known, before = labelling.seen(known, before, now), now
    found = labelling.assess(LIMIT, known, (1000, 990), 25, ALPHA)
    assert found is not None and found.verdict == verdict, found
    assert said in found.reason


@pytest.mark.parametrize(
    ("challenger", "percent", "verdict"),
    [((0, 0), 5, None), ((50, 5), 5, None), ((0, 0), 25, "no_data"), ((400, 200), 5, "fail")],
)
def test_a_small_share_does_not_wait_for_labels_and_fails_by_them(
    challenger: Side, percent: float, verdict: Verdict | None
) -> None:
    limit = LIMIT.model_copy(update={"from_percent": 25.0})
    half = challenger[0] // 2, challenger[1] // 2
    first = sums(half, (200, 20))
    known = labelling.seen(Comparison(), sums(), first)
    known = labelling.seen(known, first, sums(challenger, (400, 40)))
    found = labelling.assess(limit, known, (9, 9), percent, ALPHA)
    assert (None if found is None else found.verdict) == verdict


def test_sums_that_shrink_are_no_negative_labels() -> None:
    assert labelling.fresh(sums((50, 9)), sums((40, 3)), "challenger") == Counted()
    # a label that has become another one is not counted twice, and no request has two hits
    assert labelling.fresh(sums((50, 9)), sums((51, 30)), "challenger").hits == 1


def test_alpha_is_shared_and_only_a_share_of_requests_is_judged() -> None:
    plan = RolloutPlan(guardrails=Guardrails(quality=LIMIT))
    assert len(plan.limits) == 3
    now = deployment()
    seen = rolling.looked(Seen(), tallies(size=300), plan, now, sums((100, 5), (100, 5)))
    seen = rolling.looked(seen, tallies(size=600), plan, now, sums((300, 15), (300, 15)))
    found = rolling.assess(seen, plan, SERVED, now)
    assert found["quality"].verdict == "pass"
    assert "300 of 600 requests have labels" in found["quality"].reason
    assert seen.quality.challenger == Counted(requests=300, hits=15)
    dark = deployment(weight=0)
    assert "quality" not in rolling.assess(seen, plan, SERVED, dark)


def test_labels_that_come_in_lumps_call_off_one_in_twenty_at_most() -> None:
    """Nothing for days, then many at once, and more of one side than of the other."""
    dice, failed, rollouts = random.Random(11), 0, 300
    for _ in range(rollouts):
        known = Comparison()
        before, now = [0, 0, 0, 0], [0, 0, 0, 0]
        for _ in range(40):
            for side in (0, 2):
                size = 0 if dice.random() < 0.7 else dice.randrange(60)
                now[side] += size
                now[side + 1] += sum(dice.random() < 0.1 for _ in range(size))
            known = labelling.seen(known, sums(*_sides(before)), sums(*_sides(now)))
            before = list(now)
        found = labelling.assess(QualityLimit(allowed=0.0), known, (now[0], now[2]), 25, ALPHA)
        failed += found is not None and found.verdict == "fail"
    assert failed <= ALPHA * rollouts


def _sides(counts: list[int]) -> tuple[Side, Side]:
    return (counts[0], counts[1]), (counts[2], counts[3])


@pytest.mark.parametrize(
    ("looks", "verdict", "said"),
    [
        # labels of the rollout's own requests, which came too late for it
        ([((200, 60), (200, 20), (0, 0))], "fail", "late labels of its rollout"),
        # what it answered as champion, beside what the control's labels leave likely
        ([((200, 20), (400, 40), (400, 200))], "fail", "is allowed by what the version before it"),
        ([((200, 20), (400, 40), (400, 44))], "pass", "is allowed by what the version before it"),
        # too few labels of a control promise nothing
        ([((20, 2), (40, 4), (400, 200))], "pass", "200 of each are needed"),
        ([((20, 2), (40, 4), (400, 200)), ((200, 20), (400, 40), (400, 200))], "fail", "before it"),
    ],
)
def test_late_labels_of_a_champion(
    looks: list[tuple[Side, Side, Side]], verdict: Verdict, said: str
) -> None:
    first = rolling.looked(Seen(), [], RolloutPlan(), deployment(), sums((100, 10), (100, 10)))
    known = LateLabels.after(first)
    for sides in looks:
        known = late_labels.seen(LIMIT, known, sums(*sides), version=2, alpha=ALPHA)
    found = late_labels.assess(LIMIT, known, ALPHA)
    assert found.verdict == verdict and said in found.reason, found.reason
