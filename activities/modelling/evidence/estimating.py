"""How good answers are to be expected, before anybody knows the truth (CBPE).

Where rows with a probability of 0.8 are of that class in 80 % of all cases, a hundred of them, all
called that class, are about 80 right answers and 20 wrong ones: the confusion matrix follows from
probabilities alone, and the figures from the matrix.

Source: confidence-based performance estimation, NannyML's documentation, "How it works: performance
estimation"; Białek et al., "Estimating model performance under covariate shift without labels",
arXiv 2401.08348.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from perennial.contracts.base import Metrics
from perennial.contracts.estimates import EstimatedQuality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_BINS = 10


def estimate(probabilities: NDArray[np.floating]) -> EstimatedQuality:
    """What is to be expected of the answers of a calibrated classifier.

    Two classes: accuracy, precision, recall, f1 (of the second class, at probability 0.5), roc_auc,
    brier, log_loss. More: accuracy, macro_precision, macro_recall, macro_f1, macro_roc_auc (each
    class against the others), brier (over all classes, from 0 to 2), log_loss.

    Args:
        probabilities: of each class `[rows, classes]`, in the order of the model's classes. Rows
            that are not finite or not from 0 to 1 are skipped, as are those that were not answered.
    """
    wide = np.asarray(probabilities, dtype=np.float64)
    if wide.ndim != 2 or wide.shape[1] < 2:
        raise ValueError(f"probabilities are [rows, classes], and these are {wide.shape}")
    sound = ((wide >= 0) & (wide <= 1)).all(axis=1) & (wide.sum(axis=1) > 0)
    likely = wide[sound] / wide[sound].sum(axis=1, keepdims=True)
    rows = len(likely)
    if not rows:
        return EstimatedQuality(rows=0, skipped=len(wide))
    best = likely.max(axis=1)
    metrics = {
        "accuracy": float(best.mean()),
        "log_loss": float(-_weighted_log(likely).sum(axis=1).mean()),
    }
    metrics |= _binary(likely[:, 1]) if likely.shape[1] == 2 else _multiclass(likely)
    return EstimatedQuality(
        rows=rows,
        skipped=len(wide) - rows,
        metrics=metrics,
        deviation=float(np.sqrt((best * (1 - best)).sum()) / rows),
    )


def calibration_error(truth: NDArray[np.integer], probabilities: NDArray[np.floating]) -> float:
    """How far the probability of the likeliest class is from how often it is right, 0 to 1.

    An estimated accuracy is off by this at most on the rows that it is measured on: so it says, on
    held-out rows, whether an estimate is worth anything.

    Source: expected calibration error over ten equal bins; Guo et al., "On calibration of modern
    neural networks", ICML 2017.

    Args:
        truth: class numbers `[rows]`.
        probabilities: of each class `[rows, classes]`.
    """
    best = probabilities.max(axis=1).astype(np.float64)
    right = probabilities.argmax(axis=1) == truth
    place = np.minimum((best * _BINS).astype(np.intp), _BINS - 1)
    gaps = np.bincount(place, weights=best - right, minlength=_BINS)
    return float(np.abs(gaps).sum() / len(truth))


def _binary(likely: Floats) -> Metrics:
    found = _of_class(likely, likely >= 0.5)
    return found | {"brier": float((likely * (1 - likely)).mean())}


def _multiclass(likely: Floats) -> Metrics:
    answer = likely.argmax(axis=1)
    classes = [_of_class(likely[:, k], answer == k) for k in range(likely.shape[1])]
    found = {"brier": float(1 - (likely**2).sum(axis=1).mean())}
    for name in ("precision", "recall", "f1", "roc_auc"):
        # a class that no row is called, or that none is expected to be of, has no figure
        known = [each[name] for each in classes if name in each]
        if known:
            found[f"macro_{name}"] = float(np.mean(known))
    return found


def _of_class(likely: Floats, called: NDArray[np.bool_]) -> Metrics:
    """The figures of one class against all others."""
    right, positive, named = float(likely[called].sum()), float(likely.sum()), int(called.sum())
    found = {}
    if named:
        found["precision"] = right / named
    if positive:
        found["recall"] = right / positive
    if named + positive:
        found["f1"] = 2 * right / (named + positive)
    if 0 < positive < len(likely):
        found["roc_auc"] = _roc_auc(likely)
    return found


def _roc_auc(likely: Floats) -> float:
    """How probably a positive row has the higher score: each row is positive by its probability."""
    scores, place = np.unique(likely, return_inverse=True)
    rows = np.bincount(place, minlength=len(scores))
    positive = scores * rows
    negative = rows - positive
    below = np.cumsum(negative) - negative
    wins = float((positive * (below + negative / 2)).sum())
    return wins / (float(positive.sum()) * float(negative.sum()))


def _weighted_log(likely: Floats) -> Floats:
    return likely * np.log(np.where(likely > 0, likely, 1.0))
