"""Runs arrive in any order, in either lane, under any concurrency: what always holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from perennial.contracts.spec import Concurrency
from workflows.lanes import MOST_WAITING, arrive

CONCURRENCIES: tuple[Concurrency, ...] = get_args(Concurrency)


@dataclass(frozen=True)
class Run:
    """A run by its place in the order of arrivals."""

    number: int
    hotfix: bool


@dataclass
class Queue:
    """A model's runs, and how each that is over came to its end."""

    waiting: tuple[Run, ...] = ()
    under_way: tuple[Run, ...] = ()
    told: set[Run] = field(default_factory=set)
    started: list[Run] = field(default_factory=list)
    ends: dict[Run, str] = field(default_factory=dict)
    arrived: list[Run] = field(default_factory=list)

    def arrive(self, hotfix: bool, concurrency: Concurrency) -> None:
        run = Run(len(self.arrived), hotfix)
        self.arrived.append(run)
        others = bool(self.waiting or self.under_way)
        arrival = arrive(run, self.under_way, self.waiting, concurrency)
        assert (arrival.refused == "busy") == (concurrency == "reject" and not hotfix and others), (
            "a hotfix is not refused for others"
        )
        if arrival.refused:
            assert arrival.waiting == self.waiting and not arrival.dropped + arrival.ended
            self.end(run, "refused")
            return
        assert concurrency == "replace" or not arrival.dropped
        assert concurrency == "replace" or hotfix or not arrival.ended
        for dropped in arrival.dropped:
            self.end(dropped, "replaced")
        self.told |= set(arrival.ended)
        self.waiting = arrival.waiting

    def start(self) -> None:
        if self.waiting and not self.under_way:
            self.under_way, self.waiting = self.waiting[:1], self.waiting[1:]
            self.started += self.under_way

    def over(self, heard: bool) -> None:
        """The run under way ends: by itself, or since it heard that it is to end."""
        for run in self.under_way:
            if not heard:
                self.end(run, "promoted")
            elif run in self.told:
                self.end(run, "overtaken")
            else:
                return
            self.under_way = ()

    def end(self, run: Run, how: str) -> None:
        assert run not in self.ends, "a run ends once: none is both overtaken and promoted"
        self.ends[run] = how

    def check(self) -> None:
        assert len(self.under_way) <= 1, "one run, and so one rollout, at a time"
        places = [*self.waiting, *self.under_way, *self.ends]
        assert sorted(places, key=lambda run: run.number) == self.arrived, "none is lost or doubled"
        for lane in (True, False):
            for runs in (self.started, self.waiting):
                numbers = [run.number for run in runs if run.hotfix is lane]
                assert numbers == sorted(numbers), "a lane keeps its order"
        waiting = [run.hotfix for run in self.waiting]
        assert waiting == sorted(waiting, reverse=True), "hotfixes go first"
        if any(waiting):
            assert all(run.hotfix or run in self.told for run in self.under_way), "nor behind one"
        assert all(how in ("promoted", "refused") for run, how in self.ends.items() if run.hotfix)
        assert not any(run.hotfix for run in self.told), "nothing ends a hotfix"


EVENTS = st.one_of(
    st.tuples(st.just("arrive"), st.booleans(), st.sampled_from(CONCURRENCIES)),
    st.tuples(st.sampled_from(["start", "hears", "ends"])),
)


@settings(max_examples=300)
@given(st.lists(EVENTS, max_size=40))
def test_every_run_has_one_end_and_each_lane_its_order(events: list[tuple[object, ...]]) -> None:
    queue = Queue()
    for event in events:
        match event:
            case ("arrive", bool(hotfix), concurrency):
                queue.arrive(hotfix, concurrency)  # type: ignore[arg-type]
            case ("start",):
                queue.start()
            case ("hears",):
                queue.over(heard=True)
            case _:
                queue.over(heard=False)
        queue.check()
    while queue.waiting or queue.under_way:
        queue.start()
        queue.over(heard=bool(queue.told.intersection(queue.under_way)))
        queue.check()
    assert set(queue.ends) == set(queue.arrived), "each has come to an end"


def test_a_full_lane_takes_no_more_and_does_not_close_the_other() -> None:
    normal = [Run(number, False) for number in range(MOST_WAITING)]
    hot = [Run(number, True) for number in range(MOST_WAITING)]
    under_way = [Run(-1, True)]
    assert arrive(Run(999, False), under_way, normal, "queue").refused == "full"
    hotfix = arrive(Run(999, True), under_way, normal, "queue")
    assert hotfix.refused == "" and hotfix.waiting[0].hotfix
    assert arrive(Run(999, True), under_way, hot, "replace").refused == "full"
    assert arrive(Run(999, False), under_way, [*hot, *normal], "replace").refused == ""


def test_a_hotfix_ends_what_is_under_way_and_leaves_those_that_wait() -> None:
    slow, waits, fast = Run(0, False), Run(1, False), Run(2, True)
    for concurrency in CONCURRENCIES:
        arrival = arrive(fast, [slow], [waits], concurrency)
        assert (arrival.ended, arrival.dropped) == ((slow,), ())
        assert arrival.waiting == (fast, waits)
