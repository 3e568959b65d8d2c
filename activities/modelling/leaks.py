"""What a model would learn that it will not have when it is asked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.split import Rows
from activities.modelling.violations import violation
from perennial.authoring import Features
from perennial.contracts.data import Violation
from perennial.contracts.spec import Split, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEWEST_ROWS = 10
_ENOUGH_ROWS = 100
_NEARLY = 0.01
"""Of the mistakes that one makes without the column, so many are left with it."""
_LINE = 0.99999


def telling_columns(
    frame: pd.DataFrame, features: Features, task: Task, allowed: Collection[str]
) -> Iterator[Violation]:
    """Columns that are the target under another name, or nearly."""
    target = frame[features.target]
    if len(frame) < _FEWEST_ROWS or target.isna().any():
        return  # with few rows it may well be chance
    for name in features.inputs:
        column = frame[name]
        if name in allowed or column.isna().all():
            continue
        if _is_the_target(column, target, task):
            every = np.ones(len(frame), dtype=bool)
            what = "is the target under another name"
            yield violation("no_leak", name, every, what, frame, features, rows=0)
        elif len(frame) >= _ENOUGH_ROWS:
            other = _others(column, target, task)
            if other is not None:
                what = (
                    "is nearly the target under another name: it tells all of it but (name it in "
                    "data.may_tell_target if it is known beforehand)"
                )
                yield violation("no_near_leak", name, other, what, frame, features)


def _is_the_target(column: pd.Series, target: pd.Series, task: Task) -> bool:
    if task == "regression":
        return bool((column == target).all())
    return bool(np.array_equal(pd.factorize(column)[0], pd.factorize(target)[0]))


def _others(column: pd.Series, target: pd.Series, task: Task) -> NDArray[np.bool_] | None:
    """The rows in which a column that nearly is the target is not; None where it is not nearly."""
    if task == "regression":
        return _off_the_line(column, target)
    classes, values = pd.factorize(target)[0], pd.factorize(column)[0]
    counts = np.bincount(classes)
    guessed = len(classes) - int(counts.max())
    if len(np.unique(values)) > 2 * len(counts) or not guessed:
        return _off_the_threshold(column, classes, len(counts), guessed)
    table = np.zeros((values.max() + 2, len(counts)), dtype=np.int64)
    np.add.at(table, (values, classes), 1)  # a missing value has code -1: the last
    wrong: NDArray[np.bool_] = table.argmax(axis=1)[values] != classes
    if wrong.sum() > _NEARLY * guessed:
        return None
    return wrong


def _off_the_threshold(
    column: pd.Series, classes: NDArray[np.intp], count: int, guessed: int
) -> NDArray[np.bool_] | None:
    """Of numbers and two classes: whether one limit parts them."""
    if count != 2 or not guessed or not pd.api.types.is_numeric_dtype(column):
        return None
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    known = ~np.isnan(values)
    order = np.argsort(values[known], kind="stable")
    ones = np.cumsum(classes[known][order] == 1)
    if not len(ones):
        return None
    zeros = np.arange(1, len(ones) + 1) - ones
    # so many mistakes with everything up to here called class 0, or class 1
    low, high = ones + (zeros[-1] - zeros), zeros + (ones[-1] - ones)
    best = low if low.min() <= high.min() else high
    at, missing = int(best.argmin()), int((~known).sum())
    if best[at] + missing > _NEARLY * guessed:
        return None
    limit = values[known][order][at]
    said = (values > limit) if best is low else (values <= limit)
    wrong: NDArray[np.bool_] = (said.astype(np.intp) != classes) | ~known
    return wrong


def _off_the_line(column: pd.Series, target: pd.Series) -> NDArray[np.bool_] | None:
    """Of a regression: whether the target is the column times something plus something."""
    if not (pd.api.types.is_numeric_dtype(column) and pd.api.types.is_numeric_dtype(target)):
        return None
    one = column.to_numpy(dtype=np.float64, na_value=np.nan)
    other = target.to_numpy(dtype=np.float64, na_value=np.nan)
    known = np.isfinite(one) & np.isfinite(other)
    if known.mean() < 1 - _NEARLY or not np.ptp(one[known]) or not np.ptp(other[known]):
        return None
    if abs(np.corrcoef(one[known], other[known])[0, 1]) < _LINE:
        return None
    unknown: NDArray[np.bool_] = ~known
    return unknown


def shared_rows(frame: pd.DataFrame, features: Features, rows: Rows) -> NDArray[np.bool_]:
    """Which rows are held out and equal, in inputs and target, to one that is trained on."""
    hashes = pd.util.hash_pandas_object(frame[[*features.inputs, features.target]], index=False)
    shared = np.zeros(len(frame), dtype=bool)
    every = hashes.to_numpy()
    shared[rows.test] = np.isin(every[rows.test], every[rows.train])
    return shared


def out_of_order(
    frame: pd.DataFrame, features: Features, rows: Rows, plan: Split
) -> Violation | None:
    """Rows that are trained on and later than the first one that is held out."""
    if features.time is None:
        return None
    moments = frame[features.time]
    late = np.zeros(len(frame), dtype=bool)
    late[rows.train] = (moments.iloc[rows.train] >= moments.iloc[rows.test].min()).to_numpy()
    if not late.any():
        return None
    what = f"of rows that are trained on is after the first held-out one (split by {plan.by})"
    return violation("time_order", features.time, late, what, frame, features, rows=0)
