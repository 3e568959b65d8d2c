"""From the events of a run to what a picture of its rollouts is drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from perennial.documents import DecisionDetail, Run
from perennial.sse import Event

WHOLE = 10_000
"""All requests, as weights count them."""
_MORE = 0.08
"""Of a rollout's time is told beyond its end."""


@dataclass(frozen=True)
class Share:
    """A variant's part of the requests, and of the champion's that it answers too, in percent."""

    name: str
    version: int
    percent: float
    shadow: float = 0.0


@dataclass(frozen=True)
class Weights:
    """How requests were divided, from an instant until the next weights or the end.

    Attributes:
        step: number of the rollout's step, from 1; 0 where no rollout divides them.
    """

    since: datetime
    step: int
    shares: tuple[Share, ...]

    @property
    def called(self) -> str:
        """The step in two or three words."""
        copied = max((share.shadow for share in self.shares), default=0.0)
        return f"step {self.step}" + (f": copies of {copied:g} %" if copied else "")


@dataclass
class Span:
    """A verdict that held for a while.

    Attributes:
        reason: the newest sentence with this verdict: the one with the most requests.
    """

    name: str
    step: int
    verdict: str
    reason: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Decided:
    """What the policy said on a step, and whose ruling it was told."""

    at: datetime
    outcome: str
    asked: str
    reasons: tuple[str, ...]
    ruling: str


@dataclass
class Timeline:
    """One rollout of a run: in one environment, from its stage's begin to its end.

    Attributes:
        version: that was rolled out.
        begin: of the stage.
        end: of the stage and a little more, so that one sees what it led to; or until when it is
            told.
        outcome: `passed`, `failed`, or `running`.
        summary: the sentence with which it ended, or that says its plan.
        weights: as they were, the first ones from `begin` on.
        spans: verdicts, each thing that was watched by itself, in order.
        decisions: in order.
        waits: when it waited for people.
    """

    environment: str
    version: int | None
    begin: datetime
    end: datetime
    outcome: str = "running"
    summary: str = ""
    weights: list[Weights] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    decisions: list[Decided] = field(default_factory=list)
    waits: list[tuple[datetime, datetime]] = field(default_factory=list)

    @property
    def took(self) -> float:
        """Seconds from its begin until the requests were no longer divided, or until now."""
        ended = self.end if self.outcome == "running" else _last_step(self)
        return (ended - self.begin).total_seconds()

    @property
    def watched(self) -> list[str]:
        """Names of all that was watched, in the order of their first verdict."""
        return list(dict.fromkeys(span.name for span in self.spans))

    @property
    def seconds(self) -> float:
        """How long is told."""
        return max((self.end - self.begin).total_seconds(), 0.001)


def timelines(
    run: Run, events: Sequence[Event], decisions: Iterable[DecisionDetail], now: datetime
) -> list[Timeline]:
    """The rollouts of a run, one for each environment that had one.

    Args:
        run: the run.
        events: what has happened in it so far, in order.
        decisions: of it, with their questions; those on promotions are left out.
        now: until when a rollout is told that goes on.
    """
    found: dict[str, Timeline] = {}
    for event in events:
        data = event.data
        environment = data.get("environment")
        if event.name == "stage" and data.get("stage") == "rollout":
            _stage(found, run, data, now)
        elif event.name in ("deployment", "champion") and environment in found:
            _weights(found[environment], data, event.name)
        elif event.name == "progress" and data.get("stage") == "rollout":
            # a run rolls out in one environment after the other: it is of the newest
            if found:
                _progress(list(found.values())[-1], data)
        elif event.name == "run" and found:
            _waits(list(found.values())[-1], data)
    for decision in decisions:
        timeline = found.get(decision["environment"])
        if timeline is not None and decision["question"].get("kind") == "rollout":
            timeline.decisions.append(_decided(decision))
    for timeline in found.values():
        _close(timeline)
    return list(found.values())


def _stage(found: dict[str, Timeline], run: Run, data: dict[str, Any], now: datetime) -> None:
    at, environment = _at(data), data["environment"]
    timeline = found.get(environment)
    if timeline is None:
        timeline = Timeline(environment, run["version"], at, now)
        found[environment] = timeline
    timeline.summary = data.get("summary") or timeline.summary
    timeline.outcome = data["status"]
    timeline.end = now if data["status"] == "running" else at


def _weights(timeline: Timeline, data: dict[str, Any], event: str) -> None:
    if event == "champion":
        shares = [{"name": "champion", "version": data["version"], "weight": WHOLE}]
    else:
        shares = data["shares"]
    divided = any(share["name"] == "challenger" for share in shares)
    if not timeline.weights:
        # before its first step the champion had all of them
        champion = [each["version"] for each in shares if each["name"] == "champion"]
        whole = (Share("champion", champion[0], 100.0),) if champion else ()
        timeline.weights.append(Weights(timeline.begin, 0, whole))
    timeline.weights.append(
        Weights(
            _at(data),
            timeline.weights[-1].step + 1 if divided else 0,
            tuple(
                Share(
                    each["name"],
                    each["version"],
                    100 * each["weight"] / WHOLE,
                    100 * each.get("shadow", 0) / WHOLE,
                )
                for each in shares
            ),
        )
    )


def _progress(timeline: Timeline, data: dict[str, Any]) -> None:
    at, told = _at(data), data["progress"]
    for name, each in (told.get("assessments") or {}).items():
        step = told.get("step", 0)
        before = next((span for span in reversed(timeline.spans) if span.name == name), None)
        if before is not None:
            before.until = at
            if (before.step, before.verdict) == (step, each["verdict"]):
                before.reason = each["reason"]
                continue
        timeline.spans.append(Span(name, step, each["verdict"], each["reason"], at, at))


def _waits(timeline: Timeline, data: dict[str, Any]) -> None:
    if str(data.get("waiting_for", "")).startswith("ruling"):
        timeline.waits.append((_at(data), timeline.end))
    elif timeline.waits and timeline.waits[-1][1] >= _at(data):
        timeline.waits[-1] = timeline.waits[-1][0], _at(data)


def _decided(decision: DecisionDetail) -> Decided:
    asked = decision["question"]
    ruling = asked.get("ruling") or {}
    ruled = ""
    if ruling:
        comment = f": {ruling['comment']}" if ruling.get("comment") else ""
        ruled = f"{ruling['by']} ruled that it goes on{comment}"
    return Decided(
        _instant(decision["decided_at"]),
        decision["outcome"],
        f"from {asked['percent']:g} % to {asked['next_percent']:g} %",
        tuple(decision["reasons"]),
        ruled,
    )


def _close(timeline: Timeline) -> None:
    """What held last held until the end."""
    timeline.decisions.sort(key=lambda each: each.at)
    # the champion moves, or the requests go back, a moment after the stage has ended or before
    timeline.end = max([timeline.end, *(weights.since for weights in timeline.weights)])
    ended = timeline.end
    if timeline.outcome != "running":
        ended = _last_step(timeline)
        timeline.end += (timeline.end - timeline.begin) * _MORE
    for name in timeline.watched:
        span = [span for span in timeline.spans if span.name == name][-1]
        span.until = max(span.until, ended)
    timeline.waits = [(since, min(until, timeline.end)) for since, until in timeline.waits]


def _last_step(timeline: Timeline) -> datetime:
    """When requests were no longer divided."""
    divided = False
    for weights in timeline.weights:
        if divided and not weights.step:
            return weights.since
        divided = divided or bool(weights.step)
    return timeline.end


def _at(data: dict[str, Any]) -> datetime:
    return _instant(data["at"])


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
