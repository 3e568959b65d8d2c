"""The picture of a rollout, drawn from documents of rollouts that a stack has had.

`recorded/NAME.json` holds a run, its events and its decisions as the interface told them.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from perennial.picture import Timeline, page, timelines
from perennial.picture.drawing import elapsed
from perennial.sse import Event

NOW = datetime(2026, 12, 24, tzinfo=UTC)
RECORDED = Path(__file__).parent / "recorded"
NAMES = ["promoted", "slow", "wrong", "ruled"]


def recorded(name: str, until: int | None = None) -> tuple[Any, list[Event], list[Any]]:
    """A run with its first events, and its decisions."""
    found = json.loads((RECORDED / f"{name}.json").read_text())
    events = [Event(each["name"], data=each["data"]) for each in found["events"]]
    return found["run"], events[:until], found["decisions"]


def timeline(name: str) -> Timeline:
    [found] = timelines(*recorded(name), NOW)
    return found


def shares(rollout: Timeline) -> list[tuple[int, dict[str, tuple[int, float]]]]:
    """Step, and version and percent of each variant that has requests."""
    return [
        (each.step, {s.name: (s.version, s.percent) for s in each.shares if s.percent})
        for each in rollout.weights
    ]


def test_weights_are_told_step_by_step() -> None:
    assert shares(timeline("promoted")) == [
        (0, {"champion": (1, 100)}),
        (1, {"challenger": (3, 20), "champion": (1, 60), "control": (1, 20)}),
        (2, {"challenger": (3, 50), "control": (1, 50)}),
        (0, {"champion": (3, 100)}),
    ]
    assert shares(timeline("slow"))[-1] == (0, {"champion": (3, 100)})


def test_a_step_of_copies_says_so() -> None:
    run, events, decisions = recorded("promoted")
    first = next(event for event in events if event.name == "deployment")
    first.data["shares"] = [
        {"name": "challenger", "version": 3, "weight": 0, "shadow": 2000},
        {"name": "champion", "version": 1, "weight": 10_000, "shadow": 0},
        {"name": "control", "version": 1, "weight": 0, "shadow": 0},
    ]
    [found] = timelines(run, events, decisions, NOW)
    assert shares(found)[1] == (1, {"champion": (1, 100)})
    assert "step 1: copies of 20 %" in page(run, [found], NOW) and "step 2<" in page(
        run, [found], NOW
    )


def test_each_verdict_holds_until_the_next() -> None:
    rollout = timeline("promoted")
    assert rollout.watched == ["served", "errors", "slow", "answers", "split"]
    for name in rollout.watched:
        spans = [span for span in rollout.spans if span.name == name]
        assert spans[-1].verdict == "pass"
        for span, later in pairwise(spans):
            assert span.since <= span.until == later.since
            assert (span.step, span.verdict) != (later.step, later.verdict)
        # once it has all requests nothing is watched by this rollout
        assert spans[-1].until == rollout.weights[-1].since <= rollout.end


@pytest.mark.parametrize(("name", "watched"), [("slow", "slow"), ("wrong", "answers")])
def test_what_called_it_off_is_told_with_its_numbers(name: str, watched: str) -> None:
    rollout = timeline(name)
    assert rollout.outcome == "failed"
    failed = [span for span in rollout.spans if span.verdict == "fail"]
    assert {span.name for span in failed} == {watched}
    assert "is enough" in failed[0].reason
    assert [each.outcome for each in rollout.decisions][-1] == "deny"


def test_decisions_are_told_with_what_was_asked() -> None:
    rollout = timeline("promoted")
    assert [(each.asked, each.outcome) for each in rollout.decisions] == [
        ("from 0 % to 20 %", "allow"),
        ("from 20 % to 50 %", "allow"),
        ("from 50 % to 100 %", "allow"),
    ]


def test_waiting_and_the_ruling_are_told() -> None:
    rollout = timeline("ruled")
    [(since, until)] = rollout.waits
    assert rollout.begin < since < until < rollout.end
    assert rollout.decisions[-1].ruling == "approver ruled that it goes on: a quiet night"
    drawn = page(recorded("ruled")[0], [rollout], NOW)
    assert "it waited for a person" in drawn and "a quiet night" in drawn


def test_a_rollout_that_goes_on_is_told_until_now() -> None:
    run, events, decisions = recorded("promoted")
    first = next(n for n, each in enumerate(events) if each.name == "deployment")
    now = datetime.fromisoformat(events[first].data["at"]) + timedelta(seconds=60)
    [rollout] = timelines({**run, "version": 3}, events[: first + 1], decisions[:1], now)
    assert (rollout.outcome, rollout.end) == ("running", now)
    assert shares(rollout)[-1][0] == 1
    assert "so far. canary: 20 % for 2s" in page(run, [rollout], now)


def test_a_run_that_did_not_come_to_a_rollout_has_none() -> None:
    assert timelines(*recorded("promoted", until=3), NOW) == []


class Balanced(HTMLParser):
    """Tags that are open."""

    VOID = ("meta", "line", "rect", "circle", "br")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [name for name, _ in attrs if name in ("href", "src")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_whole_and_needs_nothing_from_elsewhere(name: str) -> None:
    run, events, decisions = recorded(name)
    drawn = page(run, timelines(run, events, decisions, NOW), NOW)
    parser = Balanced()
    parser.feed(drawn)
    assert parser.open == [] and parser.links == []
    assert not re.search(r"<script|https?:|@import|url\(", drawn)
    assert "prefers-color-scheme: dark" in drawn
    for x, wide in re.findall(r'<rect x="([\d.-]+)" y="[\d.-]+" width="([\d.-]+)"', drawn):
        assert float(wide) >= 0 and float(x) >= 92 and float(x) + float(wide) <= 951


def test_what_people_wrote_is_text_and_no_markup() -> None:
    run, events, decisions = recorded("ruled")
    evil = "<img src=x onerror=alert(1)>"
    decisions[-1]["question"]["ruling"]["comment"] = evil
    drawn = page({**run, "asked_because": evil}, timelines(run, events, decisions, NOW), NOW)
    assert "<img" not in drawn and drawn.count("&lt;img src=x") >= 2


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        *[(0, "0 s"), (0.25, "0.2 s"), (59, "59 s"), (75, "75 s"), (60, "1 min"), (600, "10 min")],
        *[(5400, "1.5 h"), (86400, "1 d"), (7 * 86400, "7 d")],
    ],
)
def test_lengths_of_time(seconds: float, told: str) -> None:
    assert elapsed(seconds) == told
