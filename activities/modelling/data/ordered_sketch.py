"""Sketches of numbers that are the same for the same numbers, in whatever order.

A KLL sketch (Karnin, Lang and Liberty, "Optimal quantile approximation in streams", FOCS 2016) that
is given numbers one by one halves what it holds by lots again and again. Where all of them are at
hand it is enough to order them and to keep the middle of each stretch of equal length: nothing is
left to chance, and a rank is at most half a stretch off, which of 6,500 numbers and a size of
4,096 is one number. What is made is DataSketches' own, by its published form of storage
(https://datasketches.apache.org/docs/KLL/KLLSketch.html), so whylogs reads and merges it like any.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import whylogs_sketching as ds

from activities.modelling.data.distributions import Estimated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]

_HEAD = struct.Struct("<BBBBHBBQHBx4x")
"""Ints of the preamble, version, family, flags, k, m, unused; n, the least k, levels."""
_PREAMBLE, _VERSION, _FAMILY, _NARROWEST = 6, 1, 15, 8
_SINGLE = 4
_PARTS = 16
"""That are held before one is made of them, so that memory does not grow with the rows; each time a
rank may be half a stretch further off."""


class Ordered:
    """Numbers on their way into a sketch. It is asked as whylogs asks the sketch itself."""

    def __init__(self, size: int) -> None:
        """None yet.

        Args:
            size: of the sketch, k: numbers that it holds at most on its highest level.
        """
        self._size = size
        self._parts: list[tuple[Floats, Counts]] = []
        self._count = 0
        self._low, self._high = np.inf, -np.inf

    def get_n(self) -> int:
        """How many there are."""
        return self._count

    def update(self, array: Sequence[float] | Floats) -> None:
        """Some more of them. NaN is no number."""
        numbers = np.asarray(array, dtype=np.float64)
        numbers = numbers[~np.isnan(numbers)]
        if (numbers[1:] < numbers[:-1]).any():
            numbers = np.sort(numbers)
        if len(numbers):
            part = _thinned(numbers, np.ones(len(numbers), np.int64), self._size)
            self._add(part, float(numbers[0]), float(numbers[-1]))

    def update_list(self, num_items: Sequence[float]) -> None:
        """The same of a list."""
        self.update(num_items)

    def merge(self, sketch: ds.kll_doubles_sketch) -> None:
        """All that a sketch holds."""
        if not sketch.is_empty():
            part = _held(sketch.serialize())
            self._add(part, sketch.get_min_value(), sketch.get_max_value())

    def sketch(self) -> ds.kll_doubles_sketch:
        """Of all of them."""
        if not self._parts:
            return ds.kll_doubles_sketch(k=self._size)
        part = self._together()
        return ds.kll_doubles_sketch.deserialize(_stored(part, self._low, self._high, self._size))

    def estimated(self, noted: Sequence[float] = ()) -> Estimated:
        """All of them, as far as they are held.

        Args:
            noted: what is known of them besides.
        """
        return Estimated(*self._in_order(), (self._low, self._high), noted)

    def _add(self, part: tuple[Floats, Counts], low: float, high: float) -> None:
        self._parts.append(part)
        self._count += int(part[1].sum())
        self._low, self._high = min(self._low, low), max(self._high, high)
        if len(self._parts) == _PARTS:
            self._parts = [self._together()]

    def _together(self) -> tuple[Floats, Counts]:
        return _thinned(*self._in_order(), self._size)

    def _in_order(self) -> tuple[Floats, Counts]:
        values, weights = (np.concatenate(each) for each in zip(*self._parts, strict=True))
        order = np.argsort(values, kind="stable")
        return values[order], weights[order]


def _thinned(values: Floats, weights: Counts, size: int) -> tuple[Floats, Counts]:
    """The middle of each stretch, and how long it is: a power of two.

    Stretches are of one length, of which there are at most `size`, but for what is left of all
    numbers then: some shorter ones, in the middle. What has few numbers is as it is.

    Args:
        values: ascending.
        weights: how many numbers each stands for.
        size: of the sketch.
    """
    count, level = int(weights.sum()), 0
    if count == len(values) <= size:
        return values, weights
    while count >> level > size:
        level += 1
    longest = np.full(count >> level, 1 << level)
    shorter = [1 << each for each in range(level) if count >> each & 1]
    lengths = np.insert(longest, len(longest) // 2, shorter)
    # of an even number of them, there are two in the middle: one and the other, by turns
    left = (lengths > 1) & (np.arange(len(lengths)) % 2 == 0)
    middles = np.cumsum(lengths) - lengths + lengths // 2 - left
    if count > len(values):
        middles = np.searchsorted(np.cumsum(weights), middles, side="right")
    return values[middles], lengths


def _stored(part: tuple[Floats, Counts], low: float, high: float, size: int) -> bytes:
    """A sketch of them as DataSketches stores it: level by level, each for twice as many."""
    values, weights = part
    levels = [values[weights == 1 << level] for level in range(int(weights.max()).bit_length())]
    ends = np.cumsum([_room(size, len(levels)) - len(values), *map(len, levels)])
    return b"".join(
        [
            _HEAD.pack(
                *(_PREAMBLE, _VERSION, _FAMILY, 0, size, _NARROWEST, 0),
                *(int(weights.sum()), size, len(levels)),
            ),
            ends[:-1].astype("<u4").tobytes(),
            np.array([low, high, *np.concatenate(levels)], dtype="<f8").tobytes(),
        ]
    )


def _held(stored: bytes) -> tuple[Floats, Counts]:
    """What a sketch that is stored holds, and how many numbers each stands for."""
    if stored[3] & _SINGLE:
        return np.frombuffer(stored, "<f8", 1, 8), np.ones(1, np.int64)
    *_, count = _HEAD.unpack_from(stored)
    starts = np.frombuffer(stored, "<u4", count, _HEAD.size)
    values = np.frombuffer(stored, "<f8", offset=_HEAD.size + 4 * count)[2:]
    lengths = np.diff(np.append(starts.astype(np.int64), starts[0] + len(values)))
    return values, np.repeat(1 << np.arange(count), lengths)


def _room(size: int, levels: int) -> int:
    """Numbers for which a sketch has room: on each level two thirds of those of the next one."""
    return sum(
        max(_NARROWEST, (((2 * size << depth) // 3**depth) + 1) >> 1) for depth in range(levels)
    )
