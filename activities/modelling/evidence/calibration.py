"""Whether a probability of 0.8 is right in 80 % of all cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from activities.modelling.evidence.estimating import calibration_error
from perennial.contracts.examined import Calibration, ReliabilityBin

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BINS = 10


def calibration(truth: NDArray[np.integer], scores: NDArray[np.float64]) -> Calibration:
    """Error, Brier score and the bins of a reliability diagram.

    Two classes: bins of the probability of the second one. More: of that of the likeliest.

    Source: Brier, "Verification of forecasts expressed in terms of probability", 1950; Guo et al.,
    "On calibration of modern neural networks", ICML 2017.

    Args:
        truth: class numbers `[rows]`.
        scores: probabilities `[rows, classes]`.
    """
    if scores.shape[1] == 2:
        likely, right = scores[:, 1], truth == 1
        brier = float(((likely - right) ** 2).mean())
    else:
        likely, right = scores.max(axis=1), scores.argmax(axis=1) == truth
        hit = scores[np.arange(len(truth)), truth]
        brier = float(((scores**2).sum(axis=1) - 2 * hit + 1).mean())
    place = np.minimum((likely * _BINS).astype(np.intp), _BINS - 1)
    rows = np.bincount(place, minlength=_BINS)
    expected = np.bincount(place, weights=likely, minlength=_BINS)
    observed = np.bincount(place, weights=right, minlength=_BINS)
    return Calibration(
        error=calibration_error(truth, scores),
        brier=brier,
        bins=tuple(
            ReliabilityBin(
                low=i / _BINS,
                high=(i + 1) / _BINS,
                rows=int(rows[i]),
                expected=float(expected[i] / rows[i]),
                observed=float(observed[i] / rows[i]),
            )
            for i in np.flatnonzero(rows)
        ),
    )
