"""Figures in the words of somebody who is no engineer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from perennial.contracts.examined import Interval

_MEANING = {
    "roc_auc": "of two rows, one that is so and one that is not, how often it tells them apart; "
    "0.5 is guessing, 1 is perfect",
    "accuracy": "the share of rows that it puts into the right class",
    "precision": "of the rows that it calls so, the share that is",
    "recall": "of the rows that are so, the share that it finds",
    "f1": "precision and recall in one figure; 1 is perfect",
    "macro_precision": "of the rows that it puts into a class, the share that belongs there, each "
    "class counting the same",
    "macro_recall": "of the rows of a class, the share that it finds, each class counting the same",
    "macro_f1": "precision and recall in one figure, each class counting the same; 1 is perfect",
    "log_loss": "how surprised its probabilities are by what is true; less is better, 0 is perfect",
    "brier": "how far its probabilities are from what is true; less is better, 0 is perfect",
    "calibration_error": "how far what it calls 80 % is from being so in 80 of 100 cases; 0 is "
    "perfect",
    "rmse": "how far it is off, large errors counting more; in the unit of what it predicts",
    "mae": "how far it is off on average, in the unit of what it predicts",
    "r2": "the share of the ups and downs that it explains; 0 is always saying the average, 1 is "
    "perfect",
}
_FAIR = {
    "demographic_parity_difference": "how far apart the groups are in how often it says yes; 0 is "
    "equal",
    "demographic_parity_ratio": "the group that it says yes to least, as a share of the one it "
    "says yes to most; 1 is equal",
    "equalized_odds_difference": "how far apart the groups are in how often it is right about "
    "those that are so, and wrong about those that are not; 0 is equal",
    "equalized_odds_ratio": "the same as a share; 1 is equal",
    "primary_difference": "the best group's figure less the worst one's",
    "mean_error_difference": "how much more it is off, on average, for one group than another",
}
_STRAIN = {
    "noise": "a little noise on each number",
    "missing": "a tenth of all values missing",
    "out_of_range": "a tenth of all values as it has never seen them",
    "shuffle": "the column it relies on most, mixed up",
}


def meaning(metric: str) -> str:
    """What a metric says; of a project's own, that it is one."""
    return _MEANING.get(metric, "the project's own measure")


def fairness(measure: str) -> str:
    """What a distance between groups says."""
    return _FAIR.get(measure, "")


def strain(name: str) -> str:
    """How rows were disturbed."""
    return _STRAIN.get(name, name.replace("_", " "))


def result(metric: str, value: float, name: str = "It") -> str:
    """A figure as a sentence."""
    if metric == "roc_auc":
        return (
            f"Of two rows, one that is so and one that is not, {_lower(name)} tells in "
            f"{_hundred(value)} which is which (guessing would be 50)."
        )
    if metric == "accuracy":
        return f"{name} is right in {_hundred(value)}."
    if metric == "mae":
        return f"{name} is off by {figure(value)} on average, in the unit of what it predicts."
    return f"{name} reaches {plain(metric)} {figure(value)}: {meaning(metric)}."


def sure(interval: Interval | None, confidence: float) -> str:
    """How sure a figure is."""
    if interval is None:
        return "How much chance there is in this figure was not measured."
    return (
        f"There is chance in this figure, since it was measured on some rows and not on all there "
        f"could be: with a confidence of {confidence:.0%} it lies between {figure(interval.low)} "
        f"and {figure(interval.high)}."
    )


def figure(value: float) -> str:
    """Three digits behind the point where it is small, fewer where it is large."""
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"


def exact(value: float) -> str:
    """A figure that is held against a bound: as it was written, and never rounded to nothing."""
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def plain(name: str) -> str:
    """A name without its underscores."""
    return name.replace("_", " ")


def day(at: datetime) -> str:
    """A day, in UTC."""
    return f"{at:%-d %B %Y}"


def minute(at: datetime) -> str:
    """A day and a minute, in UTC."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def listed(names: Sequence[str]) -> str:
    """`a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _hundred(value: float) -> str:
    return f"{100 * value:.0f} of 100 cases"


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
