"""Looks at sums that only grow, as verdicts that carry their numbers."""

from __future__ import annotations

import pytest

from perennial.analysis import guarding, rolling
from perennial.contracts.analysis import Counted, Lone
from perennial.contracts.rollout import Seen
from perennial.contracts.rollout_plan import Guardrails, Limit, RolloutPlan
from perennial.contracts.serving import WHOLE, Deployment, Met, Serving, Tally, Variant
from tests import samples

PLAN = RolloutPlan(guardrails=Guardrails(answers=Limit(allowed=0.1, requests=200)))


def deployment(weight: int = 1000, epoch: int = 2) -> Deployment:
    shares = (
        ("challenger", 2, weight),
        ("champion", 1, WHOLE - 2 * weight),
        ("control", 1, weight),
    )
    return Deployment(
        model="m",
        environment="production",
        epoch=epoch,
        variants=tuple(
            Variant(name=name, version=version, onnx=samples.blob(str(version)), weight=share)
            for name, version, share in shares
        ),
    )


def tallies(epoch: int = 2, size: int = 1000, **errors: int) -> list[Tally]:
    return [
        Tally(
            model="m",
            epoch=epoch,
            variant=name,
            version=1,
            sha256="a" * 64,
            requests=size * times,
            errors=errors.get(name, 0),
            answers=(size * times // 2, size * times // 2),
        )
        for name, times in (("challenger", 1), ("champion", 8), ("control", 1))
    ]


def verdicts(seen: Seen, served: Serving, now: Deployment) -> dict[str, str]:
    return {name: a.verdict for name, a in rolling.assess(seen, PLAN, served, now).items()}


SERVED = Serving(processes=2)


def test_a_look_is_the_difference_to_the_look_before() -> None:
    now = deployment()
    seen = rolling.looked(Seen(), tallies(size=100, challenger=1), PLAN, now)
    seen = rolling.looked(seen, tallies(size=300, challenger=4), PLAN, now)
    assert seen.errors.challenger == Counted(requests=300, hits=4)
    assert seen.errors.control == Counted(requests=300)
    again = rolling.looked(seen, tallies(size=300, challenger=4), PLAN, now)
    assert again.errors == seen.errors and again.split.counts == (300, 2400, 300)


def test_a_version_that_is_no_worse_passes_once_there_are_enough() -> None:
    now = deployment()
    few = rolling.looked(Seen(), tallies(size=50), PLAN, now)
    assert verdicts(few, SERVED, now)["errors"] == "inconclusive"
    enough = rolling.looked(few, tallies(size=500), PLAN, now)
    assert set(verdicts(enough, SERVED, now).values()) == {"pass"}
    assert rolling.overall(rolling.assess(enough, PLAN, SERVED, now)).verdict == "pass"


def test_no_requests_are_no_data_and_an_unserved_step_is_inconclusive() -> None:
    now = deployment()
    nothing = rolling.looked(Seen(), [], PLAN, now)
    assert verdicts(nothing, SERVED, now)["errors"] == "no_data"
    assert verdicts(nothing, Serving(), now)["served"] == "no_data"
    behind = Serving(processes=2, behind=("p2",))
    assert verdicts(nothing, behind, now)["served"] == "inconclusive"


def test_a_worse_version_fails_with_its_numbers() -> None:
    now, seen = deployment(), Seen()
    for look in range(1, 11):
        seen = rolling.looked(seen, tallies(size=100 * look, challenger=10 * look), PLAN, now)
    found = rolling.assess(seen, PLAN, SERVED, now)
    assert found["errors"].verdict == "fail" and "10.00 % of 1,000" in found["errors"].reason
    assert rolling.overall(found).verdict == "fail"


def test_answers_that_differ_fail_and_a_division_that_is_off_is_an_error() -> None:
    now, seen = deployment(), Seen()
    for look in range(1, 11):
        looked = tallies(size=100 * look)
        other = looked[0].model_copy(update={"answers": (90 * look, 10 * look)})
        seen = rolling.looked(seen, [other, *looked[1:]], PLAN, now)
    assert verdicts(seen, SERVED, now)["answers"] == "fail"
    lost = [tally.model_copy(update={"requests": 900}) for tally in tallies()]
    assert verdicts(rolling.looked(Seen(), lost, PLAN, now), SERVED, now)["split"] == "error"


def test_with_an_entity_the_division_is_of_entities() -> None:
    now = deployment().model_copy(update={"entity": "customer"})
    busy = [tally.model_copy(update={"requests": 900}) for tally in tallies()]
    nobody = rolling.looked(Seen(), busy, PLAN, now)
    assert "split" not in verdicts(nobody, SERVED, now), "no request has named one"

    def met(process: str, *counts: int) -> Met:
        names = ("challenger", "champion", "control")
        return Met(process=process, entities=dict(zip(names, counts, strict=True)))

    seen = nobody
    for part in (2, 1):  # two processes that meet the same ones
        each = (200 // part, 1600 // part, 200 // part)
        seen = rolling.looked(seen, busy, PLAN, now, met=[met("p1", *each), met("p2", *each)])
    found = rolling.assess(seen, PLAN, SERVED, now)["split"]
    assert found.verdict == "pass" and "2,000 values of customer were divided" in found.reason
    # one of them loses a third of the challenger's
    seen = rolling.looked(seen, busy, PLAN, now, met=[met("p2", 1300, 16_000, 2000)])
    assert verdicts(seen, SERVED, now)["split"] == "error"
    assert seen.divided["p1"].counts == (200, 1600, 200)
    later = now.model_copy(update={"epoch": 3})
    assert rolling.looked(seen, busy, PLAN, later).divided == {}, "the next step begins anew"


def test_what_was_seen_at_the_steps_before_counts_but_for_the_division() -> None:
    first = rolling.looked(Seen(), tallies(size=100, challenger=2), PLAN, deployment())
    now = deployment(weight=2500, epoch=3)
    both = [*tallies(size=100, challenger=2), *tallies(epoch=3, size=400)]
    second = rolling.looked(first, both, PLAN, now)
    assert second.errors.challenger == Counted(requests=500, hits=2)
    assert second.split.counts == (400, 3200, 400)


def test_a_dark_step_asks_only_whether_it_is_served() -> None:
    now = deployment(weight=0)
    assert verdicts(rolling.looked(Seen(), [], PLAN, now), SERVED, now) == {"served": "pass"}


def copies(size: int, disagreed: int = 0, refused: int = 0) -> list[Tally]:
    challenger, _, control = tallies(size=size)
    counts = {"compared": size - refused, "disagreed": disagreed, "refused": refused}
    return [challenger.model_copy(update=counts), control]


SHADOW = RolloutPlan(strategy="shadow")


def copying() -> Deployment:
    now = deployment(weight=0)
    challenger, *others = now.variants
    copied = challenger.model_copy(update={"shadow": 2000})
    return now.model_copy(update={"variants": (copied, *others)})


@pytest.mark.parametrize(
    ("size", "disagreed", "verdict"),
    [(0, 0, "no_data"), (50, 1, "inconclusive"), (2000, 100, "pass"), (2000, 400, "fail")],
)
def test_copies_are_judged_by_how_many_were_answered_otherwise(
    size: int, disagreed: int, verdict: str
) -> None:
    seen = rolling.looked(Seen(), copies(size, disagreed), SHADOW, copying())
    found = rolling.assess(seen, SHADOW, SERVED, copying())
    assert set(found) == {"served", "errors", "slow", "disagreement"}
    assert found["disagreement"].verdict == verdict, found["disagreement"].reason


def test_what_only_the_challenger_cannot_read_is_its_failure() -> None:
    seen = Seen()
    for size in (100, 2000):  # the first look knows no usual share yet
        seen = rolling.looked(seen, copies(size, refused=size), SHADOW, copying())
    found = rolling.assess(seen, SHADOW, SERVED, copying())
    assert found["errors"].verdict == "fail" and found["disagreement"].verdict == "no_data"


def test_a_data_plane_that_is_saturated_lets_no_step_pass() -> None:
    now, plan = deployment(), RolloutPlan(guardrails=Guardrails(saturation=0.8))
    seen = rolling.looked(Seen(), tallies(), plan, now)
    for busy, verdict in ((0.8, "pass"), (0.9, "inconclusive")):
        found = rolling.assess(seen, plan, Serving(processes=2, busy=busy), now)
        assert rolling.overall(found).verdict == verdict
    assert "busy 90% of its time, 80% is allowed" in found["saturation"].reason


def test_counts_that_were_forgotten_are_no_negative_ones() -> None:
    now = deployment()
    seen = rolling.looked(Seen(), tallies(size=300), PLAN, now)
    assert rolling.looked(seen, tallies(size=100), PLAN, now).errors.challenger.requests == 300


@pytest.mark.parametrize(("hits", "verdict"), [(10, "pass"), (100, "fail")])
def test_a_guard_knows_what_the_control_did(hits: int, verdict: str) -> None:
    bound = guarding.upper_bound(Counted(requests=10_000, hits=100), 0.05)
    assert 0.01 < bound < 0.014
    lone = Lone()
    for _ in range(10):
        lone = guarding.seen(lone, bound, Counted(requests=1000, hits=hits))
    assert guarding.assess("errors", lone, bound, 0.05).verdict == verdict


def test_a_control_that_never_answered_bounds_nothing() -> None:
    assert guarding.upper_bound(Counted(), 0.05) == 1.0
    assert guarding.upper_bound(Counted(requests=1000), 0.05) == pytest.approx(0.003, abs=1e-4)
    one = guarding.seen(Lone(), 0.0, Counted(requests=10_000, hits=1))
    assert guarding.assess("errors", one, 0.0, 0.05).verdict == "pass", "one hit is a bad day"


def test_a_good_champion_is_hardly_ever_called_off() -> None:
    import random

    chance, called_off = random.Random(7), 0
    for _ in range(400):
        lone = Lone()
        for _ in range(100):
            hits = sum(chance.random() < 0.02 for _ in range(20))
            lone = guarding.seen(lone, 0.02, Counted(requests=20, hits=hits))
        called_off += guarding.assess("errors", lone, 0.02, 0.05).verdict == "fail"
    assert called_off <= 20
