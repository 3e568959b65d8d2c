"""Curves of a candidate on its held-out rows, short enough to be drawn and to be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from activities.modelling.evidence.held_out import HeldOut

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_POINTS, _BINS, _CONFUSED = 100, 20, 10
_DIGITS = 5


def curves(rows: HeldOut, scores: Floats) -> dict[str, Any]:
    """What a model's card draws, as a JSON document.

    Of classes: `roc` (false and true positive rate) and `pr` (recall and precision), 100 points at
    most; `positives`, the share of rows that are of the class. Two classes: of the second one.
    More: of every row with every class, each being a question of its own (micro-averaged), and
    `confused`, the ten most frequent mistakes.
    Of a regression: `residuals`, rows of about the same prediction together, 20 such parts at most:
    the mean prediction and truth, and the prediction less the truth at 5, 50 and 95 % of the rows.

    Args:
        rows: the held-out rows.
        scores: probabilities `[rows, classes]`, or predictions `[rows]`.
    """
    if rows.task == "regression":
        return {"residuals": _residuals(rows.truth.astype(np.float64), scores)}
    truth = rows.truth.astype(np.intp)
    if scores.shape[1] == 2:
        return _ranked(truth == 1, scores[:, 1])
    right = truth[:, None] == np.arange(scores.shape[1])
    return _ranked(right.ravel(), scores.ravel()) | {"confused": _confused(rows, truth, scores)}


def _ranked(right: NDArray[np.bool_], likely: Floats) -> dict[str, Any]:
    """Both curves; empty where the rows are all of one class."""
    found: dict[str, Any] = {"positives": _rounded(right.mean()), "roc": [], "pr": []}
    if right.all() or not right.any():
        return found
    order = np.argsort(-likely, kind="stable")
    ordered = right[order]
    ends = np.append(np.flatnonzero(np.diff(likely[order])), len(likely) - 1)  # ties are one step
    hits = np.cumsum(ordered)[ends]
    misses = ends + 1 - hits
    true, false = hits / right.sum(), misses / (~right).sum()
    along = np.append(0.0, true + false)
    x, y = np.append(0.0, false), np.append(0.0, true)
    found["roc"] = _points(along, x, y)
    found["pr"] = _points(true, true, hits / (hits + misses))
    return found


def _points(along: Floats, x: Floats, y: Floats) -> list[list[float]]:
    """Points that lie evenly along a curve, with both its ends."""
    wanted = np.linspace(along[0], along[-1], _POINTS - 1)
    places = np.unique(np.append(np.searchsorted(along, wanted), len(along) - 1))
    return [[_rounded(x[i]), _rounded(y[i])] for i in places]


def _confused(rows: HeldOut, truth: NDArray[np.intp], scores: Floats) -> list[dict[str, Any]]:
    said, count = scores.argmax(axis=1), scores.shape[1]
    wrong = said != truth
    pairs, times = np.unique(truth[wrong] * count + said[wrong], return_counts=True)
    of = np.bincount(truth, minlength=count)
    return [
        {
            "truth": rows.classes[pairs[i] // count],
            "said": rows.classes[pairs[i] % count],
            "rows": int(times[i]),
            "of": int(of[pairs[i] // count]),
        }
        for i in np.lexsort((pairs, -times))[:_CONFUSED]
    ]


def _residuals(truth: Floats, scores: Floats) -> list[dict[str, float]]:
    order = np.argsort(scores, kind="stable")
    found = []
    for part in np.array_split(order, min(_BINS, len(order))):
        low, middle, high = np.quantile(scores[part] - truth[part], (0.05, 0.5, 0.95))
        found.append(
            {
                "rows": len(part),
                "predicted": float(scores[part].mean()),
                "truth": float(truth[part].mean()),
                "low": float(low),
                "middle": float(middle),
                "high": float(high),
            }
        )
    return found


def _rounded(value: float) -> float:
    return round(float(value), _DIGITS)
