"""One reading of a value, in training and in serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from perennial.values import text

if TYPE_CHECKING:
    from numpy.typing import NDArray


def as_text(column: pd.Series) -> NDArray[np.object_]:
    """A column as text, missing values as the empty text. Shape `[rows]`."""
    codes, distinct = pd.factorize(column)
    texts = np.array([*(text(_plain(value)) for value in distinct), ""], dtype=object)
    return texts[codes]  # a missing value has code -1: the last


def _plain(value: object) -> object:
    """A value of numpy's as Python's own; not 0.1 as float32, whose text is longer as float64."""
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.floating) and np.isfinite(value) and value == np.trunc(value):
        return float(value)
    return value


def as_numbers(frame: pd.DataFrame, columns: tuple[str, ...]) -> NDArray[np.float32]:
    """Columns as float32 `[rows, columns]`; missing values are NaN."""
    with np.errstate(over="ignore"):  # beyond float32 is infinite, and treated as missing
        parts = [
            frame[name].to_numpy(dtype=np.float64, na_value=np.nan).astype(np.float32)
            for name in columns
        ]
    if not parts:
        return np.empty((len(frame), 0), dtype=np.float32)
    return np.column_stack(parts)


def infinite(column: pd.Series) -> NDArray[np.bool_]:
    """Which values are no finite number and no missing one. Shape `[rows]`."""
    if not pd.api.types.is_float_dtype(column):
        return np.zeros(len(column), dtype=bool)
    found: NDArray[np.bool_] = np.isinf(column.to_numpy(dtype=np.float64, na_value=np.nan))
    return found


def row_names(frame: pd.DataFrame, key: str | None, positions: NDArray[np.intp]) -> tuple[str, ...]:
    """What to call rows in a message: their keys, or their numbers from 0."""
    if key is None or key not in frame.columns:
        return tuple(f"row {position}" for position in positions)
    return tuple(str(value) for value in frame[key].iloc[positions])
