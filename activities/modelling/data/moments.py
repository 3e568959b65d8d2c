"""The times of rows as whole numbers, and the one at a place in their order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.data.parted import Parted

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISSING = int(np.iinfo(np.int64).min)
"""A time that is not known; it is before all others."""
_AT_HAND = 1 << 20
_BINS = 1 << 12


def moments_of(times: pd.Series) -> NDArray[np.int64]:
    """Times as whole numbers since 1970, of the column's unit. Shape `[rows]`."""
    found: NDArray[np.int64] = pd.DatetimeIndex(times).asi8
    return found


def moment_at(rows: Parted, time: str, place: int) -> int | None:
    """The moment at a place of all moments in ascending order.

    The rows are gone through several times, each time with a smaller stretch of time in view, until
    so few moments are in it that they can be ordered.

    Args:
        rows: all of them.
        time: the column.
        place: from 0.

    Returns:
        None where fewer moments are known.
    """
    low, high, known = MISSING, MISSING, 0
    for part in rows.parts([time]):
        moments = moments_of(part.frame[time])
        moments = moments[moments != MISSING]
        if len(moments):
            first, last = int(moments.min()), int(moments.max())
            low, high = (min(low, first), max(high, last)) if known else (first, last)
            known += len(moments)
    if place >= known:
        return None
    inside = known
    while inside > _AT_HAND and high > low:
        width = (high - low) // _BINS + 1
        counts = np.zeros(_BINS + 1, dtype=np.int64)
        for part in rows.parts([time]):
            moments = _between(moments_of(part.frame[time]), low, high)
            # a difference of two signed numbers always fits in an unsigned one
            bins = (moments - np.int64(low)).view(np.uint64) // np.uint64(width)
            counts += np.bincount(bins.astype(np.intp), minlength=len(counts))
        up_to = np.cumsum(counts)
        chosen = int(np.searchsorted(up_to, place, side="right"))
        place -= int(up_to[chosen] - counts[chosen])
        inside = int(counts[chosen])
        low = low + chosen * width
        high = min(high, low + width - 1)
    if high == low:
        return low
    some = [_between(moments_of(part.frame[time]), low, high) for part in rows.parts([time])]
    return int(np.partition(np.concatenate(some), place)[place])


def _between(moments: NDArray[np.int64], low: int, high: int) -> NDArray[np.int64]:
    inside: NDArray[np.int64] = moments[(moments >= low) & (moments <= high)]
    return inside
