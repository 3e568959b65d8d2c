"""Errors of a champion's answers, in the order of their events, and what is kept of a window's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perennial.contracts.concept import WindowErrors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

_KEPT = 128
"""Parts that are kept of a window: when errors changed is known to within one of them."""
_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Errors(NamedTuple):
    """Mean errors of neighbours, in the order of their events.

    Attributes:
        means: of each part `[parts]`, 0 or more.
        rows: of the part `[parts]`, 1 or more.
        at: its first row's event `[parts]`, microseconds since 1970 in UTC.
    """

    means: NDArray[np.float64]
    rows: NDArray[np.int64]
    at: NDArray[np.int64]


def in_order(errors: NDArray[np.number], at: pd.Series) -> Errors:
    """A window's own, each row a part.

    Args:
        errors: of each row `[rows]`, 0 or more: 1 for a wrong class and 0 for a right one, or how
            far a number is off. Those that are not finite are left out.
        at: time of each row's event, with a zone, in any order.
    """
    wide = np.asarray(errors, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(wide) & at.notna().to_numpy())
    times = at.iloc[known].astype("datetime64[us, UTC]").to_numpy(dtype="datetime64[us]")
    order = np.argsort(times, kind="stable")
    return Errors(
        wide[known][order], np.ones(len(known), dtype=np.int64), times[order].astype(np.int64)
    )


def taken_together(errors: Errors, rows: int) -> Errors:
    """Neighbours together, so that parts have about as many rows each."""
    if not len(errors.rows):
        return errors
    number = (np.cumsum(errors.rows) - errors.rows) // rows
    firsts = np.flatnonzero(np.diff(number, prepend=-1))
    sizes = np.add.reduceat(errors.rows, firsts)
    means = np.add.reduceat(errors.means * errors.rows, firsts) / sizes
    return Errors(means, sizes, errors.at[firsts])


def to_keep(errors: Errors) -> WindowErrors | None:
    """What later windows are put beside; None where no error is known.

    Args:
        errors: of a window, each row a part.
    """
    rows = len(errors.rows)
    if not rows:
        return None
    each = -(-rows // _KEPT)
    few = taken_together(errors, each)
    return WindowErrors(
        start=instant(int(few.at[0])),
        rows=rows,
        each=each,
        seconds=tuple(((few.at - few.at[0]) // _SECOND).tolist()),
        means=tuple(float(f"{mean:.6g}") for mean in few.means.tolist()),
    )


def one_after_another(windows: Sequence[Errors]) -> Errors:
    """All of them, in their order."""
    return Errors(*(np.concatenate(parts) for parts in zip(*windows, strict=True)))


def read_kept(kept: WindowErrors) -> Errors:
    """What was kept of a window."""
    rows = np.full(len(kept.means), kept.each, dtype=np.int64)
    rows[-1] = kept.rows - kept.each * (len(rows) - 1)
    start = (kept.start - _EPOCH) // timedelta(microseconds=1)
    at = start + _SECOND * np.array(kept.seconds, dtype=np.int64)
    return Errors(np.array(kept.means, dtype=np.float64), rows, at)


def instant(at: int) -> datetime:
    """The time of so many microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=at)
