"""The same distances by scipy from all rows, and how far a result is from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon  # type: ignore[import-untyped]
from scipy.special import rel_entr  # type: ignore[import-untyped]
from scipy.stats import ks_2samp  # type: ignore[import-untyped]

from benchmarks.monitoring import frames

MEASURES = ("PSI", "Jensen-Shannon", "KS")
_LEAST = 0.01
"""Where hardly anything has moved, an error counts beside this, a twenty-fifth of what is an alert:
a relative error of what is nearly nothing says nothing."""

Floats = NDArray[np.float64]
Distances = Mapping[str, Sequence[float | None]]


def distances(path: Path, columns: int) -> dict[str, list[float]]:
    """PSI and Jensen-Shannon distance over the reference's deciles, and KS, of each number."""
    reference, window = frames.read(path)
    names = frames.numbers(columns)
    return {name: between(reference[name].to_numpy(), window[name].to_numpy()) for name in names}


def between(usual: Floats, now: Floats) -> list[float]:
    """The same of one column's values."""
    cuts = np.quantile(usual, np.linspace(0.1, 0.9, 9))
    shares = [
        np.bincount(np.searchsorted(cuts, side), minlength=10) / len(side) for side in (usual, now)
    ]
    floor = [np.maximum(each, 1e-4) for each in shares]
    psi = rel_entr(*floor).sum() + rel_entr(*floor[::-1]).sum()
    gap = ks_2samp(usual, now, method="asymp").statistic
    return [float(psi), float(jensenshannon(*shares, base=2)), float(gap)]


def farthest(found: Distances, true: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """By measure, the largest relative error of all columns, in per cent."""
    worst: dict[str, float] = {}
    for name, exact in true.items():
        for measure, ours, theirs in zip(MEASURES, found[name], exact, strict=True):
            if ours is not None:
                off = abs(ours - theirs) / max(theirs, _LEAST) * 100
                worst[measure] = max(worst.get(measure, 0.0), off)
    return worst
