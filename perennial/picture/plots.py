"""Plots of one number by another, and bars beside each other: what a model's card is drawn of.

As in the charts over time, lines have dashes of their own and are named in words. No element has a
style of its own, so that a page may forbid all styles but its sheet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 470, 320
_LEFT, _RIGHT, _TOP, _BOTTOM = 66, 14, 30, 44
_STEPS = 4
_BAR, _NAME, _VALUE, _LETTERS = 24, 150, 190, 22
_SWATCH = 26


@dataclass(frozen=True)
class Scale:
    """An axis: what it measures, and from where to where.

    Attributes:
        percent: whether values are shares from 0 to 1.
    """

    name: str
    low: float
    high: float
    percent: bool = False

    def told(self, value: float) -> str:
        """A value of it in words."""
        if self.percent:
            return f"{value:.0%}"
        return f"{value:,.0f}" if self.high - self.low >= 20 else f"{value:.3g}"

    def part(self, value: float) -> float:
        """How far along it a value is, from 0 to 1; what is outside is at the edge."""
        return min(max((value - self.low) / ((self.high - self.low) or 1.0), 0.0), 1.0)


@dataclass(frozen=True)
class Trace:
    """A line through points, with its kind for the style sheet."""

    name: str
    kind: str
    points: Sequence[tuple[float, float]]
    dots: bool = False


@dataclass(frozen=True)
class Bar:
    """A value from 0 on with its name and its words; `faint` where it is not judged."""

    name: str
    value: float
    words: str
    faint: bool = False


def around(name: str, values: Sequence[float]) -> Scale:
    """An axis that holds all values, with some air; never nothing."""
    low, high = min(values), max(values)
    air = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return Scale(name, low - air, high + air)


def plot(
    told: str,
    x: Scale,
    y: Scale,
    traces: Sequence[Trace],
    *,
    band: Sequence[tuple[float, float, float]] = (),
    ideal: Sequence[tuple[float, float]] = (),
) -> str:
    """Lines as an SVG element.

    Args:
        told: what it shows, for those who hear it.
        x: from the left to the right.
        y: from the bottom to the top.
        traces: at most three, named above the plot.
        band: where something lies: x, from, to.
        ideal: the ends of the line that a perfect, or a useless, model would have.
    """

    def place(at: float, value: float) -> str:
        left = _LEFT + (_WIDTH - _LEFT - _RIGHT) * x.part(at)
        top = _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - y.part(value))
        return f"{left:.1f} {top:.1f}"

    parts = list(_axes(x, y))
    if band:
        edge = [place(at, high) for at, _, high in band]
        edge += [place(at, low) for at, low, _ in reversed(band)]
        parts.append(f'<path class="band" d="M{"L".join(edge)}Z"/>')
    if ideal:
        parts.append(f'<path class="ideal" d="M{"L".join(place(*each) for each in ideal)}"/>')
    for trace in traces:
        path = "L".join(place(*point) for point in trace.points)
        parts.append(f'<path class="line {trace.kind}" d="M{path}"/>')
        for point in trace.points if trace.dots else ():
            left, top = place(*point).split()
            words = f"{trace.name}: {x.told(point[0])}, {y.told(point[1])}"
            parts.append(
                f'<g class="dot {trace.kind}"><title>{escape(words)}</title>'
                f'<circle cx="{left}" cy="{top}" r="3"/></g>'
            )
    return _svg(_WIDTH, _HEIGHT, told, [*parts, *_legend(traces)])


def bars(told: str, scale: Scale, found: Sequence[Bar], mark: float | None = None) -> str:
    """Bars below each other as an SVG element.

    Args:
        told: what it shows, for those who hear it.
        scale: of their values.
        found: from the top to the bottom.
        mark: a value to compare them with, drawn across.
    """
    wide, bottom = 2 * _WIDTH, 8 + len(found) * (_BAR + 4)
    room = wide - _NAME - _VALUE
    parts = []
    for number, bar in enumerate(found):
        top = 8 + number * (_BAR + 4)
        name = bar.name if len(bar.name) <= _LETTERS else f"{bar.name[: _LETTERS - 1]}…"
        parts.append(
            f'<g class="amount{" faint" if bar.faint else ""}">'
            f"<title>{escape(f'{bar.name}: {bar.words}')}</title>"
            f'<rect x="{_NAME}" y="{top}" width="{room * scale.part(bar.value):.1f}" '
            f'height="{_BAR}"/></g>'
            f'<text class="axis end" x="{_NAME - 8}" y="{top + 16}">{escape(name)}</text>'
            f'<text class="axis" x="{wide - _VALUE + 8}" y="{top + 16}">{escape(bar.words)}</text>'
        )
    if mark is not None:
        at = f"{_NAME + room * scale.part(mark):.1f}"
        parts.append(f'<line class="mark" x1="{at}" x2="{at}" y1="2" y2="{bottom}"/>')
    return _svg(wide, bottom + 4, told, parts)


def _svg(width: int, height: int, told: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(told)}">'
        + "".join(parts)
        + "</svg>"
    )


def _axes(x: Scale, y: Scale) -> Iterator[str]:
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    for step in range(_STEPS + 1):
        part = step / _STEPS
        left = round(_LEFT + (right - _LEFT) * part, 1)
        top = round(bottom - (bottom - _TOP) * part, 1)
        over, up = (each.low + (each.high - each.low) * part for each in (x, y))
        yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{top}" y2="{top}"/>'
        yield f'<line class="grid" x1="{left}" x2="{left}" y1="{_TOP}" y2="{bottom}"/>'
        yield f'<text class="axis end" x="{_LEFT - 6}" y="{top + 4}">{y.told(up)}</text>'
        ends = "axis end" if step == _STEPS else "axis mid"
        at = right + 6 if step == _STEPS else left
        yield f'<text class="{ends}" x="{at}" y="{bottom + 16}">{x.told(over)}</text>'
    middle = (_LEFT + right) / 2
    yield f'<text class="axis mid" x="{middle}" y="{bottom + 36}">{escape(x.name)}</text>'
    turned = f'transform="translate(13 {(_TOP + bottom) / 2}) rotate(-90)"'
    yield f'<text class="axis mid" {turned}>{escape(y.name)}</text>'


def _legend(traces: Sequence[Trace]) -> Iterator[str]:
    left = float(_LEFT)
    for trace in traces:
        yield (
            f'<path class="line {trace.kind}" d="M{left} 14L{left + _SWATCH} 14"/>'
            f'<text class="name {trace.kind}" x="{left + _SWATCH + 6}" y="18">'
            f"{escape(trace.name)}</text>"
        )
        left += _SWATCH + 24 + 6.6 * len(trace.name)
