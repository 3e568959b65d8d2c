"""What the labels of a classification show: how many of each class, and where they disagree."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from activities.modelling.values import as_text
from activities.modelling.violations import violation
from perennial.authoring import Features
from perennial.contracts.data import Violation

_CLASSES_TOLD = 20
_RARE = 0.01


def class_counts(frame: pd.DataFrame, features: Features) -> dict[str, int]:
    """Rows of each class, the most frequent first, twenty at most."""
    counts = pd.Series(as_text(frame[features.target].dropna())).value_counts(sort=True)
    return {str(name): int(count) for name, count in counts.iloc[:_CLASSES_TOLD].items()}


def contradictions(frame: pd.DataFrame, features: Features) -> np.ndarray:
    """Rows whose label is not that of most rows with the very same inputs `[rows]`.

    A model cannot be right about both, so their share is the least that it will be wrong on rows
    such as these; noise in labels whose inputs are there once does not show.
    """
    inputs = pd.util.hash_pandas_object(frame[list(features.inputs)], index=False).to_numpy()
    alike = pd.factorize(inputs)[0]
    label = pd.factorize(frame[features.target])[0]
    pairs = pd.Series(alike.astype(np.int64) * (label.max() + 2) + label + 1)
    often = pairs.map(pairs.value_counts())
    most = often.groupby(alike).transform("max")
    first = pairs.where(often == most).groupby(alike).transform("min")
    disagreeing: np.ndarray = (pairs != first).to_numpy()
    return disagreeing


def warnings(
    frame: pd.DataFrame, features: Features, counts: dict[str, int], disagreeing: np.ndarray
) -> Iterator[Violation]:
    """What people should know of the labels."""
    rare = {name: count for name, count in counts.items() if count < _RARE * len(frame)}
    if rare:
        told = ", ".join(f"{name} ({count:,})" for name, count in rare.items())
        yield Violation(
            check="class_balance",
            column=features.target,
            count=sum(rare.values()),
            message=f"{features.target} has classes with less than 1 % of the rows: {told}",
        )
    if disagreeing.any():
        what = "contradicts rows with the same inputs"
        yield violation("label_noise", features.target, disagreeing, what, frame, features)
