"""Where the values of a column are cut, and the shares of both sides in each part.

The cuts follow from the reference alone, so that every window of a model is cut alike.

- **Numbers** are cut at the reference's deciles. A value that is two deciles or more, such as the
  many zeros of a delay, has a bin of its own. A reference of 20 values or fewer has a bin for each
  of them. A bin with less than 1 % of the reference is one with its neighbour: the distances would
  depend most on what is known least. The outermost bins are open.
- **Text** has a bin for each of the 20 most frequent values that are 1 % or more of the reference,
  and one for all others, be they known or not: where names have no end, some are always new.

Bins that are empty on both sides are left out. Only known values count.

A snapshot holds 39.02 as float64, and the log of requests as the float32 that the model got, which
is another number. So each cut is the float32 just below its value: both are on the same side of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activities.modelling.data.distributions import Distribution, just_above, just_below
from activities.modelling.data.sketches import Sketch
from perennial.contracts.drift import Bin
from perennial.values import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_VALUES = 20
_LEAST = 0.01
_POINTS = np.linspace(0, 1, 1001)
_ENDS = np.array([-1.0, 1.0]) * np.finfo(np.float32).max
"""What is beyond them is endless."""
OTHERS = "(others)"


def number_bins(reference: Distribution, window: Distribution) -> tuple[Bin, ...]:
    """Bins of two columns of numbers."""
    named = _cuts(reference)
    cuts = np.array(sorted(named))
    edges: list[float | None] = [None, *cuts.tolist(), None]
    sides = [_shares(each, cuts) for each in (reference, window)]
    return tuple(
        Bin(label=_label(low, high, named), low=low, high=high, reference=usual, window=now)
        for low, high, usual, now in zip(
            edges[:-1], edges[1:], *(side.tolist() for side in sides), strict=True
        )
        if usual > 0 or now > 0
    )


def _cuts(reference: Distribution) -> dict[float, float]:
    """The numbers at which a new bin begins, and the value that each is beside."""
    values, _ = _values(reference.quantiles(_POINTS))
    alone = values
    if len(values) > _VALUES:
        values, often = _values(reference.deciles())
        alone = values[often > 1]
    named = dict(zip(just_above(alone).tolist(), alone.tolist(), strict=True))
    named |= dict(zip(just_below(values).tolist(), values.tolist(), strict=True))
    cuts = sorted(named)
    shares = _shares(reference, np.array(cuts))
    kept, share = dict[float, float](), shares[0]
    for place, cut in enumerate(cuts):
        following = shares[place + 1]
        outside = (not kept and share == 0) or (place == len(cuts) - 1 and following == 0)
        if outside or (share >= _LEAST and following >= _LEAST):
            kept[cut], share = named[cut], following
        else:
            share += following
    return kept


def _shares(column: Distribution, cuts: Floats) -> Floats:
    if not len(cuts):
        return np.ones(1)
    return np.diff(column.below(cuts), prepend=0.0, append=1.0)


def _label(low: float | None, high: float | None, named: Mapping[float, float]) -> str:
    if low is None:
        return "all" if high is None else f"below {named[high]:.6g}"
    if high is None:
        return f"{named[low]:.6g} and more"
    if named[low] == named[high]:
        return f"{named[low]:.6g}"
    return f"{named[low]:.6g} to {named[high]:.6g}"


def largest_gap(reference: Distribution, window: Distribution) -> float:
    """The largest difference between both distribution functions.

    Between two steps of one of them the other goes one way, so the largest is beside a step.
    """
    values, _ = _values(reference.steps)
    # before and behind a value that many rows have, the functions may be far apart
    cuts = np.unique(np.concatenate([just_below(values), just_above(values), _ENDS]))
    return float(np.abs(reference.below(cuts) - window.below(cuts)).max())


def beyond(reference: Distribution, window: Distribution) -> float:
    """Which share of the window's numbers is smaller or larger than all of the reference's."""
    low, high = just_below(np.array([reference.low])), just_above(np.array([reference.high]))
    under = float(window.below(low)[0]) if np.isfinite(low[0]) else 0.0
    over = 1 - float(window.below(high)[0]) if np.isfinite(high[0]) else 0.0
    return min(max(under + over, 0.0), 1.0)


@dataclass(frozen=True)
class Texts:
    """A column as text.

    Attributes:
        counts: how often each value is there.
        known: rows with a value.
        whole: whether `counts` holds every value.
    """

    counts: Mapping[str, int]
    known: int
    whole: bool


def text_bins(reference: Texts, window: Texts) -> tuple[Bin, ...]:
    """Bins of two columns of text."""
    own = named(reference)
    every = [(v, reference.counts[v], window.counts.get(v, 0)) for v in own]
    rest = [each.known - sum(each.counts.get(v, 0) for v in own) for each in (reference, window)]
    every.append((OTHERS, rest[0], rest[1]))
    return tuple(
        Bin(label=label, reference=usual / reference.known, window=now / window.known)
        for label, usual, now in every
        if usual > 0 or now > 0
    )


def named(reference: Texts) -> list[str]:
    """The values that have a bin of their own, the most frequent first."""
    least = _LEAST * reference.known
    own = most_frequent(reference.counts, _VALUES)
    return [value for value in own if reference.counts[value] >= least]


def unknown(reference: Texts, window: Texts) -> dict[str, int]:
    """Values of the window that the reference does not hold, and how often they are there."""
    return {v: count for v, count in window.counts.items() if v not in reference.counts}


def unseen(reference: Texts, rows: int) -> float:
    """Which share of further rows may have a value that no row of the reference has, 0 to 1.

    The share of the reference's rows whose value is there once, and three deviations more.

    Source: Good, "The population frequencies of species and the estimation of population
    parameters", Biometrika 40 (1953), who has it from Turing.
    """
    share = sum(count == 1 for count in reference.counts.values()) / reference.known
    deviation = math.sqrt(share * (1 - share) / rows + share / reference.known)
    return min(share + 3 * deviation, 1.0)


def most_frequent(counts: Mapping[str, int], most: int) -> list[str]:
    """So many values at most, the most frequent first."""
    return sorted(counts, key=lambda value: (-counts[value], value))[:most]


def as_texts(column: Sketch) -> Texts:
    """A column of text, or of numbers as if they were text.

    Whole numbers that name categories are text to the model, and so in the log of requests; in the
    snapshot they are numbers, and fractions where some are missing.
    """
    known = column.rows - column.missing
    if column.counts or column.kind != "number":
        return Texts(column.counts, known, column.whole)
    numbers = column.numbers
    values = np.unique(numbers.quantiles(_POINTS))
    values = values[np.isfinite(values)]
    shares = numbers.below(np.nextafter(values, np.inf)) - numbers.below(values)
    counts = {
        text(value): round(share * known)
        for value, share in zip(values.tolist(), shares.tolist(), strict=True)
    }
    return Texts(counts, known, whole=False)


def _values(numbers: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """The different finite numbers as float32 knows them, ascending, and how often each is there.

    Of a column of infinities alone it is 0, which lies between them.
    """
    with np.errstate(over="ignore"):
        narrow = numbers.astype(np.float32)
    finite = narrow[np.isfinite(narrow)]
    if not len(finite):
        finite = np.zeros(1, dtype=np.float32)
    values, often = np.unique(finite, return_counts=True)
    return values.astype(np.float64), often
