"""The same distances by scipy from all rows, and how far a result is from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.spatial.distance import jensenshannon  # type: ignore[import-untyped]
from scipy.special import rel_entr  # type: ignore[import-untyped]
from scipy.stats import ks_2samp  # type: ignore[import-untyped]

from benchmarks.monitoring import frames

MEASURES = ("PSI", "Jensen-Shannon", "KS")
_LEAST = 0.125
"""Where hardly anything has moved, an error counts beside this, half of what is an alert, as in the
test of the distances: a relative error of what is nearly chance says nothing."""

Distances = Mapping[str, Sequence[float | None]]


def distances(path: Path, columns: int) -> dict[str, list[float]]:
    """PSI and Jensen-Shannon distance over the reference's deciles, and KS, of each number."""
    reference, window = frames.read(path)
    found = {}
    for name in frames.numbers(columns):
        sides = [frame[name].to_numpy() for frame in (reference, window)]
        cuts = np.quantile(sides[0], np.linspace(0.1, 0.9, 9))
        usual, now = (
            np.bincount(np.searchsorted(cuts, side), minlength=10) / len(side) for side in sides
        )
        floor = [np.maximum(each, 1e-4) for each in (usual, now)]
        psi = rel_entr(*floor).sum() + rel_entr(*floor[::-1]).sum()
        gap = ks_2samp(*sides, method="asymp").statistic
        found[name] = [float(psi), float(jensenshannon(usual, now, base=2)), float(gap)]
    return found


def farthest(found: Distances, true: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """By measure, the largest relative error of all columns, in per cent."""
    worst: dict[str, float] = {}
    for name, exact in true.items():
        for measure, ours, theirs in zip(MEASURES, found[name], exact, strict=True):
            if ours is not None:
                off = abs(ours - theirs) / max(theirs, _LEAST) * 100
                worst[measure] = max(worst.get(measure, 0.0), off)
    return worst
