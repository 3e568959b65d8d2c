"""When did a model begin to err otherwise? Concept drift, from labels.

Inputs may look as they always did while the truth about them has become another: only errors show
it. ADWIN keeps a window of the newest errors that grows for as long as they are of one kind, and
says so once its older part differs from the newer one by more than chance allows. That is some rows
after the change; it drops less than it could, so the change itself is where the cumulative sum of
errors is farthest from that of their mean.

Sources: Bifet and Gavaldà, "Learning from time-changing data with adaptive windowing", SIAM Data
Mining 2007, by river; Page, "Continuous inspection schemes", Biometrika 41 (1954).
"""

from __future__ import annotations

from datetime import UTC
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from river.drift import ADWIN

from perennial.contracts.concept import ConceptDrift, ErrorChange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_DELTA = 0.002
_POINTS = 50_000
_DEVIATIONS = 4
_SHORT = 30


def concept_drift(errors: NDArray[np.number], at: pd.Series) -> ConceptDrift:
    """Find the moments from which on errors are others.

    Rows that come in another order are put into that of their times. Of more than 50,000 rows the
    means of neighbours are looked at, so that a million takes no longer than those.

    Args:
        errors: of each row `[rows]`, 0 or more: 1 for a wrong class and 0 for a right one, or how
            far a number is off. Those that are not finite are left out.
        at: time of each row's event, with a zone, in the same order.
    """
    wide = np.asarray(errors, dtype=np.float64)
    known = np.flatnonzero(np.isfinite(wide) & at.notna().to_numpy())
    order = known[np.argsort(at.iloc[known].to_numpy(), kind="stable")]
    wide = wide[order]
    # a few huge errors must not hide all others
    most = float(np.quantile(wide, 0.999) or wide.max()) if len(wide) else 0.0
    bounded = np.minimum(wide / most, 1.0) if most > 0 else np.zeros(len(wide))
    starts = _true(bounded, _located(bounded, _noticed(bounded)))
    if not starts:
        told = f"errors of {len(wide):,} rows are of one kind"
        if len(wide):
            told += f", {wide.mean():.4g} in the mean"
        return ConceptDrift(rows=len(wide), reason=told)
    parts = [part.mean() for part in np.split(wide, starts)]
    ends = [*starts[1:], len(wide)]
    changes = tuple(
        ErrorChange(
            at=at.iloc[order[start]].to_pydatetime().astimezone(UTC),
            before=float(before),
            after=float(after),
            rows=end - start,
        )
        for start, end, before, after in zip(starts, ends, parts[:-1], parts[1:], strict=True)
    )
    newest, worse = changes[-1], float(parts[-1] - parts[0])
    reason = (
        f"errors of {len(wide):,} rows changed {len(changes)} times, last at "
        f"{newest.at:%Y-%m-%d %H:%M} from {newest.before:.4g} to {newest.after:.4g}; "
        f"{worse:+.4g} since the first"
    )
    return ConceptDrift(rows=len(wide), changes=changes, worse=worse, reason=reason)


def _noticed(errors: Floats) -> list[tuple[int, int]]:
    """What ADWIN, whose bound is one for numbers from 0 to 1, keeps when it says that they changed.

    Returns:
        The first of those rows, and the one after the last.
    """
    each = -(-len(errors) // _POINTS) or 1
    firsts = np.arange(0, len(errors), each)
    points = np.add.reduceat(errors, firsts) / each if len(errors) else errors
    detector: Any = ADWIN(delta=_DELTA)  # type: ignore[no-untyped-call]
    found = []
    for number, value in enumerate(points.tolist(), 1):
        detector.update(value)
        if detector.drift_detected:
            kept = number - int(detector.width)
            found.append((kept * each, min(number * each, len(errors))))
    return found


def _located(errors: Floats, noticed: Sequence[tuple[int, int]]) -> list[int]:
    """Where each change was: among the rows that ADWIN kept, then among all between two others."""
    bounds = [0, *(_farthest(errors, *kept) for kept in noticed), len(errors)]
    return [_farthest(errors, bounds[n - 1], bounds[n + 1]) for n in range(1, len(bounds) - 1)]


def _farthest(errors: Floats, low: int, high: int) -> int:
    some = errors[low:high]
    if len(some) < 2:
        return low
    return low + 1 + int(np.abs(np.cumsum(some - some.mean())[:-1]).argmax())


def _true(errors: Floats, starts: Sequence[int]) -> list[int]:
    """Those at which the means differ by four deviations: looking often finds some by chance."""
    kept = sorted({start for start in starts if 0 < start < len(errors)})
    while kept:
        parts = np.split(errors, kept)
        apart = [_apart(one, other) for one, other in pairwise(parts)]
        least = int(np.argmin(apart))
        if apart[least] >= _DEVIATIONS:
            break
        del kept[least]
    return kept


def _apart(one: Floats, other: Floats) -> float:
    """Difference of both means in its own deviations; 0 where there is too little to tell."""
    if min(len(one), len(other)) < _SHORT:
        return 0.0
    deviation = np.sqrt(one.var() / len(one) + other.var() / len(other))
    gap = abs(float(one.mean() - other.mean()))
    if deviation == 0:
        return np.inf if gap else 0.0
    return gap / float(deviation)
