"""Charts on one axis of time: lines with their limits, and lanes of what held for a window.

All charts of a page have the same margins, so that what lies above one another happened at the same
time. Lines are named at their ends and have dashes of their own: no colour is needed to tell them
apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from perennial.picture.drawing import box
from perennial.picture.watched import Point

WIDTH, LEFT, RIGHT = 960, 92, 148
_HEIGHT, _TOP, _LANE, _GAP = 150, 10, 22, 4
_LINE = 13.0
"""How far apart names at the ends of lines are at least."""
_LETTERS = 22
_TICKS = 6
_DAY = 86400
_EVERY = (*(_DAY * days for days in (1, 2, 7, 14, 30, 61, 91, 182, 365)),)
_HOURS = (60, 300, 900, 3600, 3 * 3600, 6 * 3600, 12 * 3600)

Height = Callable[[float], float]


@dataclass(frozen=True)
class Axis:
    """Time from the left to the right."""

    begin: datetime
    end: datetime

    def place(self, at: datetime) -> float:
        """How far right an instant is; what is outside is at the edge."""
        whole = max((self.end - self.begin).total_seconds(), 1.0)
        passed = min(max((at - self.begin).total_seconds() / whole, 0.0), 1.0)
        return round(LEFT + (WIDTH - LEFT - RIGHT) * passed, 1)


@dataclass(frozen=True)
class Line:
    """Values over time; a gap where there is none."""

    name: str
    kind: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Limit:
    """A value that counts, drawn across."""

    name: str
    value: float


@dataclass(frozen=True)
class Span:
    """What held from one instant to another: its kind for the style sheet, and its words."""

    since: datetime
    until: datetime
    kind: str
    title: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stack:
    """Parts of a whole in one window, in percent, the lowest first: words, kind, percent."""

    since: datetime
    until: datetime
    parts: Sequence[tuple[str, str, float]]


def lines(
    axis: Axis,
    told: str,
    found: Sequence[Line],
    limits: Sequence[Limit] = (),
    *,
    percent: bool = False,
    from_zero: bool = True,
    bars: Sequence[Point] = (),
) -> str:
    """Lines over time as an SVG element.

    Args:
        axis: of the page.
        told: what it shows, for those who hear it.
        found: lines; one without any value is not drawn.
        limits: drawn across.
        percent: whether values are shares from 0 to 1.
        from_zero: whether the scale begins at 0.
        bars: shares from 0 to 1, as bars from the ground to the top.
    """
    shown = [line for line in found if any(value is not None for _, value, _ in line.points)]
    values = [value for line in shown for _, value, _ in line.points if value is not None]
    values += [limit.value for limit in limits]
    low, high = _scale(values, from_zero=from_zero)

    def height(value: float) -> float:
        return round(_TOP + _HEIGHT * (1 - (value - low) / (high - low)), 1)

    parts = [*_grid(low, high, height, percent=percent), *_bars(axis, bars)]
    for limit in limits:
        y = height(limit.value)
        parts.append(
            f'<line class="limit" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
            f'<text class="axis" x="{LEFT + 4}" y="{y - 4}">{escape(limit.name)}</text>'
        )
    for line in shown:
        parts += _line(axis, line, height)
    parts += _names(axis, shown, height)
    bottom = _TOP + _HEIGHT
    return _svg(bottom + 24, told, [*parts, *_dates(axis, bottom)])


def lanes(axis: Axis, told: str, found: Sequence[tuple[str, Sequence[Span]]]) -> str:
    """Lanes under each other, each with its name, as an SVG element."""
    parts: list[str] = []
    for number, (name, spans) in enumerate(found):
        top = _TOP + number * (_LANE + _GAP)
        parts.append(f'<text class="axis end" x="{LEFT - 8}" y="{top + 15}">{escape(name)}</text>')
        for span in spans:
            left, right = axis.place(span.since), axis.place(span.until)
            place = (left, top, max(right - left, 2.0), _LANE)
            parts.append(box(span.kind, place, span.title, span.words))
    bottom = _TOP + len(found) * (_LANE + _GAP)
    return _svg(bottom + 24, told, [*parts, *_dates(axis, bottom)])


def stacks(axis: Axis, told: str, found: Sequence[Stack]) -> str:
    """Parts of a whole, window by window, as an SVG element."""
    high = 60

    def height(percent: float) -> float:
        return round(_TOP + high * (1 - percent / 100), 1)

    parts = []
    for mark in (0, 50, 100):
        y = height(mark)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>')
        parts.append(f'<text class="axis end" x="{LEFT - 8}" y="{y + 4}">{mark} %</text>')
    for stack in found:
        left, right = axis.place(stack.since), axis.place(stack.until)
        below = 0.0
        for words, kind, percent in stack.parts:
            top, low = height(below + percent), height(below)
            below += percent
            title = f"{words}: {percent:.3g} %"
            place = (left, top, max(right - left, 2.0), low - top)
            parts.append(box(f"variant {kind}", place, title, (words,)))
    bottom = _TOP + high
    return _svg(bottom + 24, told, [*parts, *_dates(axis, bottom)])


def _svg(height: float, told: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height:g}" role="img" aria-label="{escape(told)}">'
        + "".join(parts)
        + "</svg>"
    )


def _scale(values: Sequence[float], *, from_zero: bool) -> tuple[float, float]:
    """From where to where, with some air; never nothing."""
    if not values:
        return 0.0, 1.0
    low, high = (0.0 if from_zero else min(values)), max(values)
    air = (high - low) * 0.12 or abs(high) * 0.1 or 1.0
    return (low if from_zero else low - air), high + air


def _grid(low: float, high: float, height: Height, *, percent: bool) -> Iterator[str]:
    for step in range(4):
        value = low + (high - low) * step / 3
        y = height(value)
        told = f"{value:.1%}" if percent else f"{value:.3g}"
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text class="axis end" x="{LEFT - 8}" y="{y + 4}">{told}</text>'


def _bars(axis: Axis, bars: Sequence[Point]) -> Iterator[str]:
    if not bars:
        return
    wide = max(min((WIDTH - LEFT - RIGHT) / len(bars) * 0.7, 40.0), 1.0)
    for at, value, words in bars:
        if value:
            tall = _HEIGHT * min(value, 1.0)
            place = (axis.place(at) - wide / 2, _TOP + _HEIGHT - tall, wide, tall)
            yield box("coverage", place, words, ())


def _line(axis: Axis, line: Line, height: Height) -> Iterator[str]:
    pen, path = "M", []
    for at, value, words in line.points:
        if value is None:
            pen = "M"
            continue
        x, y = axis.place(at), height(value)
        path.append(f"{pen}{x} {y}")
        pen = "L"
        yield (
            f'<g class="dot {line.kind}"><title>{at:%Y-%m-%d %H:%M} {escape(words)}</title>'
            f'<circle cx="{x}" cy="{y}" r="2.6"/></g>'
        )
    yield f'<path class="line {line.kind}" d="{" ".join(path)}"/>'


def _names(axis: Axis, shown: Sequence[Line], height: Height) -> Iterator[str]:
    """The names of lines at their ends, none on another."""
    ends = []
    for line in shown:
        at, value = [(at, value) for at, value, _ in line.points if value is not None][-1]
        ends.append((height(value), axis.place(at), line))
    place = -_LINE
    for y, x, line in sorted(ends, key=lambda end: end[0]):
        place = max(y, place + _LINE)
        right = WIDTH - RIGHT + 12
        name = line.name if len(line.name) <= _LETTERS else f"{line.name[: _LETTERS - 1]}…"
        yield (
            f'<path class="lead" d="M{x + 4} {y}L{right - 4} {place}"/>'
            f'<text class="name {line.kind}" x="{right}" y="{place + 4}">{escape(name)}</text>'
        )


def _dates(axis: Axis, bottom: float) -> Iterator[str]:
    """Days below, or hours where days are too long."""
    seconds = (axis.end - axis.begin).total_seconds()
    every = next((s for s in (*_HOURS, *_EVERY) if seconds / s <= _TICKS), seconds / _TICKS)
    day = axis.begin.replace(hour=0, minute=0, second=0, microsecond=0)
    tick = day + timedelta(seconds=every) * (-((day - axis.begin) // timedelta(seconds=every)))
    while tick <= axis.end:
        x = axis.place(tick)
        said = f"{tick:%Y-%m-%d}" if every >= _DAY else f"{tick:%m-%d %H:%M}"
        yield f'<line class="grid" x1="{x}" x2="{x}" y1="{bottom}" y2="{bottom + 5}"/>'
        yield f'<text class="axis mid" x="{x}" y="{bottom + 18}">{said}</text>'
        tick += timedelta(seconds=every)
