"""When did a champion begin to err otherwise? Concept drift, from labels.

Inputs may look as they always did while the truth about them has become another: only errors show
it. ADWIN keeps a window of the newest errors that grows for as long as they are of one kind, and
says so once its older part differs from the newer one by more than chance allows. That is some rows
after the change; it drops less than it could, so the change itself is where the cumulative sum of
errors is farthest from that of their mean.

What is true changes over weeks more often than within an hour, so errors of earlier windows stand
before those of the window that is judged.

Sources: Bifet and Gavaldà, "Learning from time-changing data with adaptive windowing", SIAM Data
Mining 2007, by river; Page, "Continuous inspection schemes", Biometrika 41 (1954).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from river.drift import ADWIN

from activities.modelling.labels.errors import (
    Errors,
    instant,
    one_after_another,
    read_kept,
    taken_together,
)
from perennial.contracts.concept import ConceptDrift, ErrorChange, WindowErrors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from perennial.contracts.analysis import Verdict
    from perennial.contracts.drift import Band

    Floats = NDArray[np.float64]

_DELTA = 0.002
_POINTS = 50_000
_DEVIATIONS = 4
_SHORT = 30


def concept_drift(
    errors: Errors, earlier: Sequence[WindowErrors] = (), limits: Band | None = None
) -> ConceptDrift:
    """Find the moments from which on errors are others, and judge what they came to.

    Neighbours are taken together until each part has as many rows as the largest part of an earlier
    window, and until there are 50,000 parts at most, so that a million rows take no longer.

    Args:
        errors: of the window, a row each.
        earlier: of windows before it, oldest first.
        limits: on how much larger the mean error is after the newest change than before the oldest,
            as a part of what it was.
    """
    windows = [*map(read_kept, earlier), errors]
    whole = one_after_another([window for window in windows if len(window.rows)] or [errors])
    number = int(whole.rows.sum())
    each = max(int(whole.rows.max(initial=1)), -(-number // _POINTS))
    parts = taken_together(whole, each)
    kinds = _kinds(parts)
    changes = tuple(
        ErrorChange(at=instant(kind.at), before=before.mean, after=kind.mean, rows=kind.rows)
        for before, kind in pairwise(kinds)
    )
    looked_at = sum(len(window.rows) > 0 for window in windows)
    told = f"errors of {number:,} rows"
    if looked_at > 1:
        told += f" in {looked_at} windows"
    if not changes:
        told += " are of one kind" + (f", {kinds[0].mean:.4g} in the mean" if kinds else "")
        verdict: Verdict = "pass" if limits is not None and kinds else "no_data"
        return ConceptDrift(rows=number, windows=looked_at, verdict=verdict, reason=told)
    newest, grown = changes[-1], _grown(kinds)
    told += f" changed {len(changes)} times, last at {newest.at:%Y-%m-%d %H:%M} from "
    told += f"{newest.before:.4g} to {newest.after:.4g}; {kinds[0].mean:.4g} at first"
    if limits is not None:
        told += f": {grown:+.0%}, {_allowed(grown, limits):+.0%} is allowed"
    return ConceptDrift(
        rows=number,
        windows=looked_at,
        changes=changes,
        worse=kinds[-1].mean - kinds[0].mean,
        verdict=_verdict(grown, limits),
        reason=told,
        excess=max(0.0, grown / limits.alert) if limits is not None else 0.0,
    )


class _Kind(NamedTuple):
    """Errors between two changes: their mean, how many rows, and when they began."""

    mean: float
    rows: int
    at: int


def _kinds(parts: Errors) -> list[_Kind]:
    if not len(parts.means):
        return []
    # a few huge errors must not hide all others
    most = float(np.quantile(parts.means, 0.999) or parts.means.max())
    bounded = np.minimum(parts.means / most, 1.0) if most > 0 else np.zeros(len(parts.means))
    bounds = [0, *_true(bounded, _located(bounded, _noticed(bounded))), len(bounded)]
    return [
        _Kind(
            float(np.average(parts.means[low:high], weights=parts.rows[low:high])),
            int(parts.rows[low:high].sum()),
            int(parts.at[low]),
        )
        for low, high in pairwise(bounds)
    ]


def _grown(kinds: Sequence[_Kind]) -> float:
    """By which part of what it was the mean error is larger now than at first.

    Where nothing was wrong at first, as if one row had been as wrong as they are now.
    """
    first, newest = kinds[0], kinds[-1].mean
    before = first.mean or newest / first.rows
    return newest / before - 1 if before else 0.0


def _allowed(grown: float, limits: Band) -> float:
    """The limit that it is beyond, or the first that it would be."""
    return limits.alert if grown > limits.alert else limits.warn


def _verdict(grown: float, limits: Band | None) -> Verdict:
    if limits is None:
        return "no_data"
    if grown > limits.alert:
        return "fail"
    return "inconclusive" if grown > limits.warn else "pass"


def _noticed(errors: Floats) -> list[tuple[int, int]]:
    """What ADWIN, whose bound is one for numbers from 0 to 1, keeps when it says that they changed.

    Returns:
        The first of those parts, and the one after the last.
    """
    detector: Any = ADWIN(delta=_DELTA)  # type: ignore[no-untyped-call]
    found = []
    for number, value in enumerate(errors.tolist(), 1):
        detector.update(value)
        if detector.drift_detected:
            found.append((number - int(detector.width), number))
    return found


def _located(errors: Floats, noticed: Sequence[tuple[int, int]]) -> list[int]:
    """Where each change was: among what ADWIN kept, then among all between two others."""
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
