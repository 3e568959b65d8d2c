"""Two snapshots beside each other, from what their profiles know: what moved, column by column.

The figures are those of windows (`perennial.analysis.distances`) within half a per cent of the
rows: summaries hold 201 quantiles of a column, or how often each value is there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence

from perennial.analysis import distances
from perennial.contracts.data import ColumnSummary, ProfileSummary
from perennial.contracts.drift import Bin, ColumnDrift, Side, WindowDrift

_BINS = 10
_NAMED = 10
_OWN_BIN = 20


def compare(
    before: ProfileSummary, after: ProfileSummary, left_out: Collection[str] = ()
) -> WindowDrift:
    """The columns that both have, the one before as the reference.

    Args:
        before: of the one.
        after: of the other.
        left_out: columns that are other rows by nature, such as times.
    """
    usual = {each.column: each for each in before.columns if each.column not in left_out}
    now = {each.column: each for each in after.columns}
    both = [name for name in usual if name in now]
    return WindowDrift(
        rows=after.rows,
        reference_rows=before.rows,
        columns=tuple(_column(usual[name], now[name]) for name in both),
    )


def _column(usual: ColumnSummary, now: ColumnSummary) -> ColumnDrift:
    found = ColumnDrift(
        column=usual.column, kind="nothing", reference=_side(usual), window=_side(now)
    )
    if "nothing" in (usual.kind, now.kind):
        return found
    if usual.kind != now.kind or usual.kind == "other":
        problem = f"held {usual.kind} values, and holds {now.kind} ones"
        return found.model_copy(update={"kind": "other", "problem": problem})
    if usual.kind == "number":
        return _numbers(found, usual, now)
    return _texts(found, usual, now)


def _side(column: ColumnSummary) -> Side:
    return Side(rows=column.rows, missing=column.missing / column.rows if column.rows else 0.0)


class _Shares:
    """Which share of a column's numbers is below a point."""

    def __init__(self, column: ColumnSummary) -> None:
        self.points: Sequence[float] = column.quantiles
        self._total = sum(column.counts.values())
        self._exact = column.whole and self._total > 0
        if self._exact:
            counts = sorted((float(value), count) for value, count in column.counts.items())
            self.points = [value for value, _ in counts]
            self._so_far = [0]
            for _, count in counts:
                self._so_far.append(self._so_far[-1] + count)

    def below(self, point: float) -> float:
        return self._share(point, bisect_left(self.points, point))

    def up_to(self, point: float) -> float:
        return self._share(point, bisect_right(self.points, point))

    def _share(self, point: float, place: int) -> float:
        if self._exact:
            return self._so_far[place] / self._total
        if place == 0 or place == len(self.points):
            return float(place > 0)
        low, high = self.points[place - 1], self.points[place]
        within = (point - low) / (high - low) if high > low else 0.0
        return (place - 1 + within) / (len(self.points) - 1)


def _numbers(found: ColumnDrift, usual: ColumnSummary, now: ColumnSummary) -> ColumnDrift:
    one, other = _Shares(usual), _Shares(now)
    every = max((len(usual.quantiles) - 1) // _BINS, 1)
    edges = sorted(set(usual.quantiles[every:-1:every]))
    parts = list(zip([None, *edges], [*edges, None], strict=True))
    bins = []
    for low, high in parts:
        shares = [
            (1.0 if high is None else side.below(high)) - (0.0 if low is None else side.below(low))
            for side in (one, other)
        ]
        if any(shares):
            label = f"{'' if low is None else f'{low:g}'} to {'' if high is None else f'{high:g}'}"
            bins.append(Bin(label=label, low=low, high=high, reference=shares[0], window=shares[1]))
    points = [*one.points, *other.points]
    ks = max(abs(one.below(point) - other.below(point)) for point in points)
    outside = other.below(usual.quantiles[0]) + 1 - other.up_to(usual.quantiles[-1])
    return _measured(found, bins, usual, now).model_copy(
        update={"kind": "number", "ks": ks, "out_of_range": outside}
    )


def _texts(found: ColumnDrift, usual: ColumnSummary, now: ColumnSummary) -> ColumnDrift:
    if not (usual.counts and now.counts):
        return found.model_copy(update={"kind": "text"})
    named = list(usual.counts)[:_OWN_BIN]
    bins = [
        Bin(label=name, reference=_part(usual, name), window=_part(now, name)) for name in named
    ]
    rest = [1 - sum(each.reference for each in bins), 1 - sum(each.window for each in bins)]
    if max(rest) > 1e-9:
        bins.append(Bin(label="others", reference=max(rest[0], 0), window=max(rest[1], 0)))
    found = _measured(found, bins, usual, now)
    told: dict[str, object] = {
        "kind": "text",
        "vanished": tuple(name for name in named if now.whole and name not in now.counts)[:_NAMED],
    }
    if usual.whole and now.whole:
        new = {name: count for name, count in now.counts.items() if name not in usual.counts}
        once = sum(count == 1 for count in usual.counts.values())
        told["new"] = tuple(new)[:_NAMED]
        told["unknown"] = sum(new.values()) / now.known
        told["unknown_chance"] = once / usual.known
    shares = [each.reference for each in bins], [each.window for each in bins]
    told["total_variation"] = distances.total_variation(*shares)
    return found.model_copy(update=told)


def _part(column: ColumnSummary, name: str) -> float:
    return column.counts.get(name, 0) / column.known


def _measured(
    found: ColumnDrift, bins: Sequence[Bin], usual: ColumnSummary, now: ColumnSummary
) -> ColumnDrift:
    shares = [each.reference for each in bins], [each.window for each in bins]
    return found.model_copy(
        update={
            "bins": tuple(bins),
            "psi": distances.psi(*shares),
            "chance": distances.chance(len(bins), usual.known, now.known),
            "jensen_shannon": distances.jensen_shannon(*shares),
        }
    )
