"""The numbers of a column, be they all at hand, or be a sketch left of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

_DECILES = np.arange(1, 10) / 10


class Distribution(Protocol):
    """What may be asked of numbers, of which there is one at least."""

    @property
    def low(self) -> float:
        """The smallest, as it is."""

    @property
    def high(self) -> float:
        """The largest, as it is."""

    @property
    def steps(self) -> Floats:
        """Where their distribution function rises, ascending."""

    def below(self, points: Floats) -> Floats:
        """Which share of them is less than each point.

        Args:
            points: finite and ascending, none twice.
        """

    def quantiles(self, shares: Floats) -> Floats:
        """Those that have such shares of the others below them."""

    def deciles(self) -> Floats:
        """The nine of them."""


class Counted:
    """Numbers that are all at hand: what is asked of them is exact."""

    def __init__(self, ordered: NDArray[Any]) -> None:
        """Hold them.

        Args:
            ordered: all of them, ascending; where there are none, nothing may be asked.
        """
        self._ordered = ordered

    @property
    def low(self) -> float:
        """The smallest."""
        return float(self._ordered[0])

    @property
    def high(self) -> float:
        """The largest."""
        return float(self._ordered[-1])

    @property
    def steps(self) -> Floats:
        """All of them."""
        return self._ordered.astype(np.float64)

    def below(self, points: Floats) -> Floats:
        """By counting."""
        return np.searchsorted(self._ordered, points) / len(self._ordered)

    def quantiles(self, shares: Floats) -> Floats:
        """Some of the numbers."""
        places = (shares * len(self._ordered)).astype(np.int64)
        found: Floats = self._ordered[np.minimum(places, len(self._ordered) - 1)]
        return found.astype(np.float64)

    def deciles(self) -> Floats:
        """As `np.quantile` has them; of the numbers where there is nothing between two of them."""
        exact = _deciles(self._ordered)
        return self.quantiles(_DECILES) if exact is None else exact


NONE = Counted(np.empty(0))
"""Of a column without numbers: nothing may be asked of it."""


class Estimated:
    """Numbers of which some are left that stand for others, and what was noted of all."""

    def __init__(
        self,
        values: Floats,
        weights: Counts,
        ends: tuple[float, float],
        noted: Sequence[float] = (),
    ) -> None:
        """Hold what is left.

        Args:
            values: one or more, ascending.
            weights: how many numbers each stands for, itself among them.
            ends: the smallest and the largest of all.
            noted: as `notes`; without counts in profiles of old.
        """
        self.low, self.high = ends
        self.steps = values
        self._below = np.concatenate([[0], np.cumsum(weights)])
        self._weights = weights
        self._deciles = np.array(noted[:9], dtype=np.float64)
        self._counts = np.array(noted[9:], dtype=np.float64)
        self._counted = _beside(self._deciles) if len(self._counts) else self._counts

    def below(self, points: Floats) -> Floats:
        """As noted, or half of what a value stands for is not known."""
        found: Floats = self._below[np.searchsorted(self.steps, points)] / self._below[-1]
        if len(points) and len(self._counts):
            places = np.minimum(np.searchsorted(points, self._counted), len(points) - 1)
            asked = points[places] == self._counted
            found[places[asked]] = self._counts[asked] / self._below[-1]
        return found

    def quantiles(self, shares: Floats) -> Floats:
        """Some of what is left."""
        places = np.searchsorted(self._below[1:], shares * self._below[-1], side="right")
        found = self.steps[np.minimum(places, len(self.steps) - 1)]
        return np.where(shares <= 0, self.low, np.where(shares >= 1, self.high, found))

    def deciles(self) -> Floats:
        """Those that were noted; else between what is left, unless that is a value which is there
        again and again, or an endless one."""
        if len(self._deciles):
            return self._deciles
        ranks = (self._below[-1] - 1) * _DECILES
        held = self.steps[np.searchsorted(self._below[1:], ranks, side="right")]
        often = np.searchsorted(self.steps, held, side="right") - np.searchsorted(self.steps, held)
        with np.errstate(invalid="ignore"):  # between two infinities there is no number
            between = np.interp(ranks, self._below[1:] - (self._weights + 1) / 2, self.steps)
        found: Floats = np.where((often > 1) | ~np.isfinite(between), held, between)
        return found


def notes(numbers: Distribution, count: int) -> list[float]:
    """What is worth noting of numbers before a sketch is all that is left: where they will be cut.

    Their nine deciles, and how many of them are less than the float32 just below and just above
    each of these, in ascending order. Nothing where a decile is endless.

    Args:
        numbers: better known than by their sketch.
        count: of them.
    """
    deciles = numbers.deciles()
    if not np.isfinite(deciles).all():
        return []
    return [*deciles.tolist(), *(numbers.below(_beside(deciles)) * count).tolist()]


def _beside(values: Floats) -> Floats:
    return np.unique(np.concatenate([just_below(values), just_above(values)]))


def just_below(values: Floats) -> Floats:
    """Of each the largest float32 that is less than its own."""
    return _next(values, -np.inf)


def just_above(values: Floats) -> Floats:
    """Of each the smallest float32 that is more than its own."""
    return _next(values, np.inf)


def _next(values: Floats, towards: float) -> Floats:
    with np.errstate(over="ignore"):
        return np.nextafter(values.astype(np.float32), np.float32(towards)).astype(np.float64)


def _deciles(ordered: NDArray[Any]) -> Floats | None:
    """The nine of them, as `np.quantile` has them; None where there is nothing between two values.

    Args:
        ordered: ascending.
    """
    if not len(ordered):
        return None
    places = (len(ordered) - 1) * _DECILES
    before = places.astype(np.int64)
    after = np.minimum(before + 1, len(ordered) - 1)
    low, high = ordered[before].astype(np.float64), ordered[after].astype(np.float64)
    with np.errstate(all="ignore"):  # between two infinities there is no number
        cuts: Floats = low + (high - low) * (places - before)
    return cuts if np.isfinite(cuts).all() else None
