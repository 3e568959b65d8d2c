"""Late labels: no data until some of both sides have come, and a verdict with its numbers then."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pydantic import ValidationError

from perennial.analysis import labelling, late_labels, rolling
from perennial.analysis.late_labels import LateLabels
from perennial.contracts.analysis import Comparison, Counted, Verdict
from perennial.contracts.rollout import Seen
from perennial.contracts.rollout_plan import Guardrails, QualityLimit, RolloutPlan
from perennial.contracts.serving import Labelled
from tests.samples import spec
from tests.unit.analysis.test_rolling import SERVED, SHADOW, copies, copying, deployment, tallies

ALPHA = 0.05
LIMIT = QualityLimit(allowed=0.02, requests=200)
Side = tuple[int, int]


def sums(challenger: Side = (0, 0), control: Side = (0, 0), champion: Side = (0, 0)) -> list:
    """Labelled requests and wrong ones of each variant."""
    sides = (("challenger", 2, challenger), ("control", 1, control), ("champion", 2, champion))
    return [
        Labelled(variant=name, version=version, requests=requests, wrong=wrong)
        for name, version, (requests, wrong) in sides
    ]


@pytest.mark.parametrize(
    ("challenger", "control", "verdict", "said"),
    [
        ((0, 0), (0, 0), "no_data", "labels of both sides have not come"),
        ((500, 9), (0, 0), "no_data", "labels of both sides have not come"),
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
        known, before = labelling.seen(known, before, now)
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
    known, before = labelling.seen(Comparison(), sums(), first)
    known, _ = labelling.seen(known, before, sums(challenger, (400, 40)))
    found = labelling.assess(limit, known, (9, 9), percent, ALPHA)
    assert (None if found is None else found.verdict) == verdict


def test_sums_that_shrink_are_no_negative_labels() -> None:
    assert labelling.fresh(sums((50, 9)), sums((40, 3)), "challenger") == Counted()
    # a label that has become another one is not counted twice, and no request has two hits
    assert labelling.fresh(sums((50, 9)), sums((51, 30)), "challenger").hits == 1


@pytest.mark.parametrize(
    ("labels", "from_percent", "verdict"),
    [
        (((0, 0), (0, 0)), 0, "no_data"),
        (((0, 0), (0, 0)), 5, None),
        (((400, 40), (400, 40)), 0, "pass"),
        (((400, 160), (400, 40)), 0, "fail"),
        (((400, 160), (400, 40)), 5, "fail"),
    ],
)
def test_copies_are_judged_by_the_labels_of_their_requests(
    labels: tuple[Side, Side], from_percent: float, verdict: Verdict | None
) -> None:
    limit = LIMIT.model_copy(update={"from_percent": from_percent})
    plan = SHADOW.model_copy(update={"guardrails": Guardrails(quality=limit)})
    seen = Seen()
    for part in (4, 2, 1):
        now = sums(*((count // part, hits // part) for count, hits in labels))
        seen = rolling.looked(seen, copies(2000 // part), plan, copying(), now)
    found = rolling.assess(seen, plan, SERVED, copying()).get("quality")
    assert (None if found is None else found.verdict) == verdict
    if found is not None:
        assert f"{labels[0][0]} of 2,000 requests have labels" in found.reason


def test_alpha_is_shared_and_a_dark_step_has_no_labels() -> None:
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


def failed(dice: random.Random, challenger: float, looks: int, allowed: float) -> bool:
    """Whether a challenger fails whose labels come in lumps, most looks without one, and never as
    many of both sides; its control answers one of ten wrongly."""
    known, before = Comparison(), sums()
    now = {(name, part): [0, 0] for name in ("challenger", "control") for part in range(8)}
    for _ in range(looks):
        for name, share in (("challenger", challenger), ("control", 0.1)):
            come = 0 if dice.random() < 0.7 else 8
            for part in range(come):
                size = dice.randrange(8)
                now[name, part][0] += size
                now[name, part][1] += sum(dice.random() < share for _ in range(size))
        told = [
            Labelled(variant=name, version=1, part=part, requests=requests, wrong=wrong)
            for (name, part), (requests, wrong) in now.items()
        ]
        known, before = labelling.seen(known, before, told)
    found = labelling.assess(QualityLimit(allowed=allowed), known, (9, 9), 25, ALPHA)
    return found is not None and found.verdict == "fail"


def test_labels_that_come_in_lumps_call_off_one_in_twenty_at_most() -> None:
    dice = random.Random(11)
    assert sum(failed(dice, 0.1, 40, allowed=0.0) for _ in range(120)) <= ALPHA * 120


def test_labels_that_come_in_lumps_find_what_is_worse() -> None:
    dice = random.Random(11)
    assert sum(failed(dice, 0.25, 60, allowed=0.02) for _ in range(40)) >= 36


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


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"request_log": None}, "the spec keeps none: add request_log"),
        ({"task": "regression"}, "needs a tolerance"),
        ({"rollout": {"guardrails": {"quality": {"tolerance": 2.0}}}}, "of a binary one a"),
        ({"rollout": {"guardrails": {"quality": {"from_percent": 80}}}}, "no step has as much"),
        (
            {
                "rollout": {
                    "guardrails": {"errors": None, "slow": None, "quality": {"from_percent": 5}}
                }
            },
            "nothing else would judge them",
        ),
        ({"rollout": {"strategy": "dark", "guardrails": {"quality": {"from_percent": 1}}}}, "no "),
    ],
)
def test_a_spec_whose_labels_could_not_be_judged_is_refused(
    changes: dict[str, Any], said: str
) -> None:
    quality = {"request_log": {}, "rollout": {"guardrails": {"quality": {}}}}
    assert spec(**quality).rollout is not None
    number = {"guardrails": {"quality": {"tolerance": 15}}}
    assert spec(task="regression", request_log={}, rollout=number).task == "regression"
    with pytest.raises(ValidationError, match=said):
        spec(**{**quality, **changes})
