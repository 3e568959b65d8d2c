"""Figures of resampled rows, without resampling a frame.

Every figure here is made of sums over rows (right answers, squared errors, ranks), so a resample is
a count for each row, and a thousand of them are a matrix of counts times a matrix of summands.

Source: Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapters 6 (counts) and 13
(percentile intervals).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from activities.modelling.projects import Project
from perennial.contracts.errors import ProjectInvalid
from perennial.contracts.spec import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_CELLS = 2_000_000
"""Of the matrix of counts that is held at once, times 8 bytes."""
_BINS = 10
_TINY = float(np.finfo(np.float64).eps)
OWN_SAMPLES = 100
"""Calls of a project's metrics(), which may take any time."""


class Resampled(Protocol):
    """A model's answers to the held-out rows, ready to be weighted."""

    def figures(self, counts: Floats) -> dict[str, Floats]:
        """Each figure `[samples]` where row i was drawn `counts[sample, i]` times.

        A figure that means nothing in a sample is NaN there.
        """


def resampled(
    task: Task, truth: NDArray[np.generic], scores: Floats, *, ranked: bool = True
) -> Resampled:
    """The task's figures, with the names and values that `metrics.measure` gives.

    Args:
        task: what is predicted.
        truth: class numbers or values `[rows]`.
        scores: probabilities `[rows, classes]`, or predictions `[rows]`; all of them finite.
        ranked: whether roc_auc is wanted, which takes as long as all the others.
    """
    if task == "regression":
        return _Values(truth.astype(np.float64), scores)
    numbers = truth.astype(np.intp)
    return _Binary(numbers, scores, ranked) if task == "binary" else _Classes(numbers, scores)


def replicates(
    models: Sequence[Resampled], rows: int, samples: int, seed: int
) -> list[dict[str, Floats]]:
    """The figures of several models, all on the same samples."""
    parts: list[list[dict[str, Floats]]] = [[] for _ in models]
    for counts in _counts(rows, samples, seed):
        for model, mine in zip(models, parts, strict=True):
            mine.append(model.figures(counts))
    return [{name: np.concatenate([p[name] for p in mine]) for name in mine[0]} for mine in parts]


class Part:
    """A model's answers to some of the rows, on the samples that are drawn of all."""

    def __init__(self, answers: Resampled, places: NDArray[np.intp]) -> None:
        """`answers`: to the rows at these places alone."""
        self._answers, self._places = answers, places

    def figures(self, counts: Floats) -> dict[str, Floats]:
        """As `Resampled`; NaN in a sample that has none of these rows."""
        mine = np.take(counts, self._places, axis=1)
        found, none = self._answers.figures(mine), ~mine.any(axis=1)
        if none.any():
            found = {name: np.where(none, np.nan, values) for name, values in found.items()}
        return found


class OwnFigure:
    """One figure of a project's metrics(), which is called anew for each sample."""

    def __init__(
        self, project: Project, name: str, truth: NDArray[np.generic], scores: Floats
    ) -> None:
        self._project, self._name = project, name
        self._truth, self._scores = truth, scores

    def figures(self, counts: Floats) -> dict[str, Floats]:
        """As `Resampled`; NaN where metrics() raised or does not have it."""
        return {self._name: np.array([self._one(each) for each in counts])}

    def _one(self, counts: Floats) -> float:
        drawn = np.repeat(np.arange(len(counts)), counts.astype(np.intp))
        try:
            with self._project.calling("metrics"):
                found = self._project.own.metrics(self._truth[drawn], self._scores[drawn])
                return float(found[self._name])
        except ProjectInvalid:  # a sample may lack a class that it counts on
            return float("nan")


def _counts(rows: int, samples: int, seed: int) -> Iterator[Floats]:
    """How often each row is drawn, `[some samples, rows]` at a time."""
    random = np.random.default_rng(seed)
    at_once = max(1, _CELLS // rows)
    for first in range(0, samples, at_once):
        some = min(at_once, samples - first)
        drawn = random.integers(0, rows, size=(some, rows), dtype=np.int32)
        if rows < 4096:  # one count of all is quicker than many short ones
            places = drawn + np.arange(some, dtype=np.int32)[:, None] * np.int32(rows)
            flat = np.bincount(places.ravel(), minlength=some * rows)
            yield flat.reshape(some, rows).astype(np.float64)
            continue
        counts = np.empty((some, rows))
        for mine, places in zip(counts, drawn, strict=True):
            mine[:] = np.bincount(places, minlength=rows)
        yield counts


class _Binary:
    def __init__(self, truth: NDArray[np.intp], scores: Floats, ranked: bool) -> None:
        likely, positive = scores[:, 1], truth == 1
        guess = likely >= 0.5
        sure = np.clip(likely, _TINY, 1 - _TINY)
        self._summands = np.column_stack(
            [
                guess & positive,
                guess & ~positive,
                ~guess & positive,
                -np.log(np.where(positive, sure, 1 - sure)),
                (likely - positive) ** 2,
                _gaps(truth, scores),
            ]
        ).astype(np.float64)
        self._rank = _Rank(likely, positive) if ranked else None

    def figures(self, counts: Floats) -> dict[str, Floats]:
        rows = _drawn(counts)
        sums = counts @ self._summands
        right, false, missed, loss, squares = sums[:, :5].T
        ranked = {} if self._rank is None else {"roc_auc": self._rank.roc_auc(counts)}
        return ranked | {
            "accuracy": 1 - (false + missed) / rows,
            "precision": _share(right, right + false),
            "recall": _share(right, right + missed),
            "f1": _share(2 * right, 2 * right + false + missed),
            "log_loss": loss / rows,
            "brier": squares / rows,
            "calibration_error": np.abs(sums[:, 5:]).sum(axis=1) / rows,
        }


class _Classes:
    def __init__(self, truth: NDArray[np.intp], scores: Floats) -> None:
        rows, count = scores.shape
        guess, place = scores.argmax(axis=1), np.arange(rows)
        right = guess == truth
        of_truth = (scores / scores.sum(axis=1, keepdims=True))[place, truth]
        self._summands = np.column_stack(
            [right, -np.log(np.clip(of_truth, _TINY, 1)), _gaps(truth, scores)]
        ).astype(np.float64)
        # right, called and there, by class: three entries a row, however many classes
        columns = np.concatenate([truth[right], count + guess, 2 * count + truth])
        entries = np.concatenate([place[right], place, place])
        ones = np.ones(len(columns))
        self._classes = sparse.csr_array((ones, (entries, columns)), shape=(rows, 3 * count))

    def figures(self, counts: Floats) -> dict[str, Floats]:
        samples, rows = len(counts), _drawn(counts)
        sums = counts @ self._summands
        right, called, there = np.moveaxis((counts @ self._classes).reshape(samples, 3, -1), 1, 0)
        # a class that a sample neither has nor is told of does not count in its mean
        known = called + there > 0
        classes = np.where(rows > 0, known.sum(axis=1), np.nan)
        by_class = {
            "macro_precision": _share(right, called),
            "macro_recall": _share(right, there),
            "macro_f1": _share(2 * right, called + there),
        }
        return {
            "accuracy": sums[:, 0] / rows,
            **{name: (v * known).sum(axis=1) / classes for name, v in by_class.items()},
            "log_loss": sums[:, 1] / rows,
            "calibration_error": np.abs(sums[:, 2:]).sum(axis=1) / rows,
        }


class _Values:
    def __init__(self, truth: Floats, scores: Floats) -> None:
        off = scores - truth
        centred = truth - truth.mean()  # so that the sum of squares loses no digits
        self._summands = np.column_stack([off**2, np.abs(off), centred**2, centred])

    def figures(self, counts: Floats) -> dict[str, Floats]:
        rows = _drawn(counts)
        squares, absolute, spread, shift = (counts @ self._summands).T
        around = spread - shift**2 / rows
        with np.errstate(divide="ignore", invalid="ignore"):
            explained = np.where(around > 0, 1 - squares / around, np.nan)
        return {"rmse": np.sqrt(squares / rows), "mae": absolute / rows, "r2": explained}


class _Rank:
    """Rows in the order of their scores, for the area under the curve."""

    def __init__(self, likely: Floats, positive: NDArray[np.bool_]) -> None:
        self._order = np.argsort(likely, kind="stable")
        ordered = likely[self._order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self._starts = starts if len(starts) < len(ordered) else None
        self._positive = positive[self._order].astype(np.float64)

    def roc_auc(self, counts: Floats) -> Floats:
        """How probably a positive row has the higher score, a tie counting half."""
        # one sample after the other, each small enough for the processor's cache
        return np.array([self._one(each) for each in counts])

    def _one(self, counts: Floats) -> float:
        drawn = counts[self._order]
        positive = drawn * self._positive
        negative = drawn - positive
        if self._starts is not None:
            positive = np.add.reduceat(positive, self._starts)
            negative = np.add.reduceat(negative, self._starts)
        below = np.cumsum(negative)
        pairs = positive.sum() * below[-1]
        below -= negative / 2
        return float(positive @ below / pairs) if pairs else float("nan")


def _drawn(counts: Floats) -> Floats:
    """How many rows each sample has; NaN where it has none, which divides without a warning."""
    rows: Floats = counts.sum(axis=1)
    return np.where(rows > 0, rows, np.nan)


def _gaps(truth: NDArray[np.intp], scores: Floats) -> Floats:
    """`[rows, bins]`: probability of the likeliest class less whether it is right, in its bin."""
    best = scores.max(axis=1)
    place = np.minimum((best * _BINS).astype(np.intp), _BINS - 1)
    gaps = np.zeros((len(truth), _BINS))
    gaps[np.arange(len(truth)), place] = best - (scores.argmax(axis=1) == truth)
    return gaps


def _share(part: Floats, whole: Floats) -> Floats:
    """Part of the whole; 0 of nothing, as scikit-learn has it here."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
