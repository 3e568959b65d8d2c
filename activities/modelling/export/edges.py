"""Rows on which a file and its model are most likely to differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNSEEN = "never seen before"
_DEVIATIONS = 100.0
_PAIRS = 32
_PARTS, _ROUNDS = 16, 8
"""A distance is parted so often until about as little is left of it as a float32 can tell."""


def hard(frame: pd.DataFrame, preprocessing: Preprocessing) -> pd.DataFrame:
    """The rows with a third of their values taken away, in turns."""
    found = {}
    turn = np.arange(len(frame))
    for position, name in enumerate((*preprocessing.numbers, *preprocessing.categories)):
        away = (turn + position) % 3 == 0
        column = frame[name]
        if name in preprocessing.categories:
            unseen = column.astype(object).where(~away, _UNSEEN)
            found[name] = unseen.where(turn % 2 == 0, None) if column.isna().any() else unseen
        else:
            gone = np.where(turn % 2 == 0, np.nan, np.inf)
            found[name] = pd.Series(np.where(away, gone, _numbers(column)))
    return pd.DataFrame(found)


def extreme(frame: pd.DataFrame, preprocessing: Preprocessing) -> pd.DataFrame:
    """The rows with half of their numbers a hundred deviations away, up and down, or tiny."""
    found: dict[str, object] = {name: frame[name] for name in preprocessing.categories}
    turn = np.arange(len(frame))
    for position, name in enumerate(preprocessing.numbers):
        far = _DEVIATIONS * preprocessing.scale[position]
        kind = (turn + position) % 6
        away = np.choose(
            np.minimum(kind, 2),
            [preprocessing.mean[position] + far, preprocessing.mean[position] - far, 1e-38],
        )
        found[name] = np.where(kind < 3, away, _numbers(frame[name]))
    return pd.DataFrame(found)


def edges(
    trained: Callable[[pd.DataFrame], NDArray[np.float64]],
    frame: pd.DataFrame,
    preprocessing: Preprocessing,
) -> pd.DataFrame:
    """Pairs of rows, next to each other, that the model answers otherwise.

    Between two rows of different classes (of a regression: below and above the median) the numbers
    are moved to where the answer changes. Of trees that is a threshold of one of their nodes.

    Args:
        trained: scores of raw rows.
        frame: rows to begin with.
        preprocessing: names the numbers.

    Returns:
        Rows; none where the model has no numbers, or one answer to all.
    """
    if not preprocessing.numbers:
        return frame.iloc[:0]
    line = 0.0

    def side(rows: pd.DataFrame) -> NDArray[np.bool_]:
        scores = trained(rows)
        if scores.ndim == 1:
            return np.asarray(scores > line)
        return np.asarray(scores.argmax(axis=1) != usual)

    answers = trained(frame)
    usual = 0
    if answers.ndim == 1:
        line = float(np.median(answers))
    else:
        usual = int(np.bincount(answers.argmax(axis=1)).argmax())
    there = side(frame)
    here_rows, there_rows = np.flatnonzero(~there), np.flatnonzero(there)
    if not len(here_rows) or not len(there_rows):
        return frame.iloc[:0]
    turn = np.arange(_PAIRS)
    rest = frame.iloc[here_rows[turn % len(here_rows)]].reset_index(drop=True)
    low = _block(rest, preprocessing)
    high = _block(frame.iloc[there_rows[turn % len(there_rows)]], preprocessing)

    def rows(block: NDArray[np.float64]) -> pd.DataFrame:
        moved = {name: block[:, i] for i, name in enumerate(preprocessing.numbers)}
        given = np.arange(len(block)) % len(rest)
        return pd.DataFrame(
            {**moved, **{n: rest[n].to_numpy()[given] for n in preprocessing.categories}}
        )

    crossed = side(rows(high))  # the categories stay: they may decide alone
    # many points at once: asking a model about a row takes about as long as about all of these
    at = np.arange(1, _PARTS)[:, None, None] / _PARTS
    for _ in range(_ROUNDS):
        between = low + (high - low) * at
        over = side(rows(between.reshape(-1, between.shape[-1]))).reshape(_PARTS - 1, _PAIRS)
        first = np.where(over.any(axis=0), over.argmax(axis=0), _PARTS - 1)
        points = np.concatenate([low[None], between, high[None]])
        low, high = points[first, turn], points[first + 1, turn]
    pairs = pd.concat([rows(low)[crossed], rows(high)[crossed]])
    return pairs.reset_index(drop=True)


def _block(frame: pd.DataFrame, preprocessing: Preprocessing) -> NDArray[np.float64]:
    """The numbers, float64 `[rows, numbers]`, with the means where they are not known."""
    columns = [_numbers(frame[name]) for name in preprocessing.numbers]
    block = np.column_stack(columns)
    return np.where(np.isfinite(block), block, np.array(preprocessing.mean))


def _numbers(column: pd.Series) -> NDArray[np.float64]:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)
