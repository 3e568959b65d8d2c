"""Wishes in, leave out: rule by rule, and what always holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.analysis.governing import HOUR, PERIOD, govern
from perennial.contracts.retraining import Outcome, Retrain, RetrainLimits, Wish

NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LIMITS = RetrainLimits(cooldown="24h", runs=4, cpu_hours=20, back_off="12h", failures=3, storm=3)


def digest(number: int) -> str:
    return f"{number:064x}"


def wish(at: datetime = NOW, model: str = "flights", rows: int = 0, hours: float = 2) -> Wish:
    return Wish(model=model, cause="drift", snapshot=digest(rows), at=at, cpu_hours=hours)


def run(ago: timedelta, outcome: Outcome = "promoted", hours: float = 2, **also: Any) -> Retrain:
    started = NOW - ago
    ended = None if outcome == "running" else started + HOUR
    found = {"snapshot": digest(round(ago / HOUR) + 1), "started": started, "ended": ended}
    return Retrain.model_validate({**found, "outcome": outcome, "cpu_hours": hours, **also})


def days(*ago: float, **of_each: Any) -> list[Retrain]:
    return [run(DAY * each, **of_each) for each in ago]


@pytest.mark.parametrize(
    ("past", "decision", "rule", "until", "said"),
    [
        ([], "allow", None, None, "drift: run 1 of 4 in 30 days"),
        (days(2, 40), "allow", None, None, "run 2 of 4"),
        # the same rows teach nothing new, unless nothing was learnt from them
        ([run(3 * DAY, snapshot=digest(0))], "wait", "snapshot", None, "had the same rows"),
        ([run(3 * DAY, "rejected", snapshot=digest(0))], "wait", "snapshot", None, "is rejected"),
        ([run(3 * DAY, "failed", snapshot=digest(0))], "allow", None, None, "run 2 of 4"),
        # one that a window had asked for, and that learnt these very rows
        ([run(3 * DAY, learnt=digest(0))], "wait", "snapshot", None, "had the same rows"),
        ([run(2 * DAY, "running")], "wait", "running", None, "2024-05-30 12:00 has not ended"),
        ([run(5 * HOUR)], "wait", "cooldown", NOW + 19 * HOUR, "24h lie between two; from 2024"),
        ([run(24 * HOUR)], "allow", None, None, "run 2 of 4"),
        # one failure: half a day from its end, and a day from its start
        (days(0.5, outcome="failed"), "wait", "cooldown", NOW + 0.5 * DAY, "24h lie"),
        # two: a day from the end of the second
        (days(2, 1, outcome="rejected"), "wait", "back_off", NOW + HOUR, "so 1 day, 0:00:00 pass"),
        (days(9, 8, 7, outcome="failed"), "ask", "failures", None, "last 3 runs did not end"),
        ([*days(9, 8, outcome="failed"), run(7 * DAY)], "allow", None, None, "run 4 of 4"),
        (days(25, 20, 15, 10), "wait", "budget", NOW + 5 * DAY, "4 runs in 30 days, 4 may be"),
        # a person has started more than may be: two have to grow old
        (days(25, 20, 15, 10, 5), "wait", "budget", NOW + 10 * DAY, "5 runs in 30 days"),
        (days(30, 20, 15, 10), "allow", None, None, "run 4 of 4"),
        (
            [run(20 * DAY, hours=9), run(10 * DAY, hours=10)],
            "wait",
            "budget",
            NOW + 10 * DAY,
            "19 CPU hours in 30 days and about 2 more, 20 may be",
        ),
        # of all moments the last one
        ([*days(29, 28, 27), run(5 * HOUR)], "wait", "budget", NOW + DAY, "4 runs in 30 days"),
        ([*days(29.9, 28, 27), run(5 * HOUR)], "wait", "cooldown", NOW + 19 * HOUR, "24h lie"),
    ],
)
def test_rules(
    past: list[Retrain], decision: str, rule: str | None, until: datetime | None, said: str
) -> None:
    found = govern(wish(), past, [], LIMITS)
    assert (found.decision, found.rule, found.until) == (decision, rule, until), found.reason
    assert said in found.reason
    assert govern(wish(), past[::-1], [], LIMITS) == found, "in any order"


def test_a_storm_asks_for_a_person() -> None:
    def asked(*minutes: int, models: str = "abcdef") -> list[Wish]:
        ago = (NOW - timedelta(minutes=each) for each in minutes)
        return [wish(at, model) for at, model in zip(ago, models, strict=False)]

    stormy = govern(wish(), [], asked(5, 10, 59), LIMITS)
    assert (stormy.decision, stormy.rule) == ("ask", "storm")
    assert "4 models want to be trained again within an hour, 3 may" in stormy.reason
    # models that share a time of day want the same at once each week, and have no cause upstream
    by_clock = [each.model_copy(update={"cause": "schedule"}) for each in asked(5, 10, 59)]
    assert govern(wish(), [], by_clock, LIMITS).decision == "allow"
    scheduled = wish().model_copy(update={"cause": "schedule"})
    assert govern(scheduled, [], asked(5, 10, 59), LIMITS).decision == "allow"
    assert govern(wish(), [], asked(5, 10), LIMITS).decision == "allow"
    assert govern(wish(), [], asked(5, 10, 60, 61), LIMITS).decision == "allow", "an hour ago"
    again = asked(5, 10, 15, 20, models="abab")
    assert govern(wish(), [], [*again, wish()], LIMITS).decision == "allow", "two, and this one"


def test_a_run_that_never_fits_is_a_persons_to_allow() -> None:
    found = govern(wish(hours=21), [], [], LIMITS)
    assert (found.decision, found.rule) == ("ask", "budget")
    assert "about 21 CPU hours, more than the 20 of 30 days" in found.reason
    free = RetrainLimits(cpu_hours=None)
    assert govern(wish(hours=9999), [], [], free).decision == "allow"


def test_hours_of_gpus_have_a_limit_of_their_own() -> None:
    limits = LIMITS.model_copy(update={"gpu_hours": 8.0})
    past = [run(20 * DAY, gpu_hours=5), run(10 * DAY, gpu_hours=2)]
    assert govern(wish(), past, [], LIMITS).decision == "allow"
    asked = wish().model_copy(update={"gpu_hours": 4.0})
    found = govern(asked, past, [], limits)
    assert (found.rule, found.until) == ("budget", NOW + 10 * DAY)
    assert "7 GPU hours in 30 days and about 4 more, 8 may be" in found.reason
    never = govern(asked.model_copy(update={"gpu_hours": 9.0}), [], [], limits)
    assert never.decision == "ask" and "about 9 GPU hours, more than the 8" in never.reason


def test_a_pause_grows_with_each_failure_and_not_without_end() -> None:
    patient = RetrainLimits(cooldown="1s", back_off="1h", failures=1000, runs=1000)
    for count, pause in ((1, HOUR), (2, 2 * HOUR), (5, 16 * HOUR), (40, 30 * DAY)):
        past = days(*(1 + each / 100 for each in range(count)), outcome="failed")
        found = govern(wish(NOW - DAY + 2 * HOUR), past, [], patient)
        ends = NOW - DAY + HOUR + pause
        assert found.until == (ends if pause > HOUR else None), count


LIVES = st.lists(
    st.tuples(
        st.integers(1, 200),  # hours since the wish before
        st.integers(0, 30),  # snapshot
        st.sampled_from(["promoted", "rejected", "failed"]),
        st.integers(1, 30),  # hours that a run takes
        st.integers(0, 9),  # CPU hours
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(
    life=LIVES,
    runs=st.integers(1, 6),
    cooldown=st.integers(1, 100),
    failures=st.integers(1, 4),
)
def test_what_always_holds(
    life: list[tuple[int, int, Outcome, int, int]], runs: int, cooldown: int, failures: int
) -> None:
    limits = RetrainLimits(
        cooldown=f"{cooldown}h", runs=runs, cpu_hours=20, back_off="5h", failures=failures
    )
    at, past, under_way = NOW, list[Retrain](), False
    for since, rows, outcome, takes, hours in life:
        at += since * HOUR
        past = [
            each.model_copy(update={"outcome": outcome})
            if each.ended is not None and each.ended <= at and each.outcome == "running"
            else each
            for each in past
        ]
        found = govern(wish(at, rows=rows, hours=hours), past, [], limits)
        under_way = any(each.outcome == "running" for each in past)
        if found.until is not None:
            assert found.until > at
            later = govern(wish(found.until, rows=rows, hours=hours), past, [], limits)
            assert later.decision == "allow", (found.reason, later.reason)
        if found.decision != "allow":
            continue
        assert not under_way
        past.append(
            Retrain(snapshot=digest(rows), started=at, ended=at + takes * HOUR, cpu_hours=hours)
        )
        before = [each.started for each in past[:-1]]
        assert all(at - each >= cooldown * HOUR for each in before)
        recent = [each for each in past if each.started > at - PERIOD]
        assert len(recent) <= runs and sum(each.cpu_hours for each in recent) <= 20
    learnt = [each.snapshot for each in past if each.outcome != "failed"]
    assert len(set(learnt)) == len(learnt), "no rows are learnt from twice"
