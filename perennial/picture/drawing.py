"""The drawing: weights as a stack over time, and below it a lane for each thing that was watched.

Colours are classes of the page's style sheet, so that they follow its light or dark side. Nothing
is told by colour alone: variants and verdicts are written where they have room, and are the title
of what has none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from html import escape

from perennial.picture.timeline import Share, Timeline

_WIDTH, _LEFT, _RIGHT, _TOP = 960, 92, 12, 30
_STACK, _LANE, _GAP = 220, 22, 6
_ORDER = ("challenger", "champion", "control")
"""From the bottom to the top, so that a challenger that grows climbs."""
_LETTER = 6.6
"""About how wide one is, in the units of the drawing."""
_SEEN = 14.0
"""How wide a failure is at least."""
_TICKS = 6
_STEPS_OF_TIME = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 4 * 3600, 8 * 3600),
    *(86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400),
)

Place = Callable[[datetime], float]


def drawing(timeline: Timeline) -> str:
    """One rollout as an SVG element."""
    lanes = timeline.watched
    people = _TOP + _STACK + _GAP + len(lanes) * (_LANE + 2)
    bottom = people + (_LANE + 2 if timeline.waits else 0)
    height = bottom + 26
    place = _place(timeline)
    parts = [
        *_stack(timeline, place),
        *_steps(timeline, place, bottom),
        *_lanes(timeline, place, lanes),
        *_people(timeline, place, people),
        *_decisions(timeline, place),
        *_axis(timeline, bottom),
    ]
    told = f"Weights by variant and verdicts over {elapsed(timeline.seconds)}"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(told)}">'
        + "".join(parts)
        + "</svg>"
    )


def elapsed(seconds: float) -> str:
    """A length of time in the unit that suits it."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size * 1.5 or (seconds >= size and seconds % size == 0):
            return f"{round(seconds / size, 1):g} {unit}"
    return f"{round(seconds, 1):g} s"


def _place(timeline: Timeline) -> Place:
    wide = _WIDTH - _LEFT - _RIGHT

    def place(at: datetime) -> float:
        passed = (at - timeline.begin).total_seconds() / timeline.seconds
        return round(_LEFT + wide * min(max(passed, 0.0), 1.0), 1)

    return place


def _stack(timeline: Timeline, place: Place) -> Iterator[str]:
    """Each variant's part of the requests, one above the other."""
    for percent in (0, 25, 50, 75, 100):
        y = _height(percent)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text class="axis end" x="{_LEFT - 8}" y="{y + 4}">{percent} %</text>'
    ends = [weights.since for weights in timeline.weights[1:]] + [timeline.end]
    for weights, until in zip(timeline.weights, ends, strict=True):
        left, right = place(weights.since), place(until)
        below = 0.0
        for share in sorted(weights.shares, key=_rank):
            top, low = _height(below + share.percent), _height(below)
            below += share.percent
            if share.percent:
                kind = "challenger" if share.version == timeline.version else share.name
                yield box(
                    f"variant {kind}",
                    (left, top, right - left, low - top),
                    f"{share.name}: version {share.version}, {share.percent:g} %",
                    _words(share),
                )


def _words(share: Share) -> tuple[str, ...]:
    """What a share is, in less and less room."""
    percent = f"{share.percent:g} %"
    return (
        f"{share.name}, version {share.version}: {percent}",
        f"version {share.version}: {percent}",
        f"v{share.version}: {percent}",
        percent,
    )


def _rank(share: Share) -> int:
    return _ORDER.index(share.name) if share.name in _ORDER else len(_ORDER)


def _height(percent: float) -> float:
    return round(_TOP + _STACK * (1 - percent / 100), 1)


def _steps(timeline: Timeline, place: Place, bottom: float) -> Iterator[str]:
    """Where each step begins."""
    for weights in timeline.weights[1:]:
        x = place(weights.since)
        yield f'<line class="step" x1="{x}" x2="{x}" y1="{_TOP - 6}" y2="{bottom}"/>'
        if weights.step:
            yield f'<text class="axis" x="{x + 3}" y="{_TOP - 10}">{weights.called}</text>'


def _lanes(timeline: Timeline, place: Place, lanes: list[str]) -> Iterator[str]:
    """A bar for each verdict, as long as it held."""
    for number, name in enumerate(lanes):
        top = _TOP + _STACK + _GAP + number * (_LANE + 2)
        yield f'<text class="axis end" x="{_LEFT - 8}" y="{top + 15}">{escape(name)}</text>'
        for span in timeline.spans:
            if span.name != name:
                continue
            left, right = place(span.since), place(span.until)
            # what ends a rollout holds for a moment, and is what one looks for
            left = min(left, right - (_SEEN if span.verdict in ("fail", "error") else 2.0))
            yield box(
                f"verdict {span.verdict}",
                (max(left, _LEFT), top, right - left, _LANE),
                f"step {span.step}, {span.verdict}: {span.reason}",
                (span.verdict,),
            )


def _decisions(timeline: Timeline, place: Place) -> Iterator[str]:
    """A sign at the upper edge for each answer of the policy."""
    for each in timeline.decisions:
        x = place(each.at)
        told = f"policy, {each.asked}: {each.outcome} {'; '.join(each.reasons)} {each.ruling}"
        sign = "✓" if each.outcome == "allow" else "✗"
        kind = "allow" if each.outcome == "allow" else "deny"
        yield (
            f'<g class="decision {kind}"><title>{escape(told.strip())}</title>'
            f'<circle cx="{x}" cy="{_TOP}" r="7"/>'
            f'<text x="{x}" y="{_TOP + 4}">{sign}</text></g>'
        )


def _people(timeline: Timeline, place: Place, top: float) -> Iterator[str]:
    """When people were asked."""
    if timeline.waits:
        yield f'<text class="axis end" x="{_LEFT - 8}" y="{top + 15}">people</text>'
    for since, until in timeline.waits:
        left, right = place(since), place(until)
        asked = (left, top, max(right - left, 2.0), _LANE)
        yield box("wait", asked, "it waited for a person", ("it waited for a person", "asked"))


def _axis(timeline: Timeline, bottom: float) -> Iterator[str]:
    """Time since the rollout's begin."""
    place, seconds = _place(timeline), timeline.seconds
    every = next((s for s in _STEPS_OF_TIME if seconds / s <= _TICKS), seconds / _TICKS)
    tick = 0
    while tick * every <= seconds:
        x = place(timeline.begin + timedelta(seconds=tick * every))
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{bottom}" y2="{bottom + 5}"/>'
        yield f'<text class="axis mid" x="{x}" y="{bottom + 19}">{elapsed(tick * every)}</text>'
        tick += 1


def box(
    kind: str, place: tuple[float, float, float, float], title: str, words: tuple[str, ...]
) -> str:
    """A rectangle with a title, and with the first of its words that has room in it."""
    x, y, width, height = place
    told = ""
    room = (width - 8) / _LETTER if height >= 14 else 0
    if said := next((each for each in words if len(each) <= room), ""):
        told = f'<text x="{x + width / 2:.1f}" y="{y + height / 2 + 4:.1f}">{escape(said)}</text>'
    return (
        f'<g class="{escape(kind)}"><title>{escape(title)}</title>'
        f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{height:.1f}"/>{told}</g>'
    )
