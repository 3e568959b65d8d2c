"""One reading of a value, in training and in serving."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray


def text(value: Any) -> str:
    """A category or class as text: `3`, `3.0` and `"3"` are one, `true` is JSON's."""
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)


def as_text(column: pd.Series) -> NDArray[np.object_]:
    """A column as text, missing values as the empty text. Shape `[rows]`."""
    codes, distinct = pd.factorize(column)
    texts = np.array([*(text(value) for value in distinct), ""], dtype=object)
    return texts[codes]  # a missing value has code -1: the last


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


def row_names(frame: pd.DataFrame, key: str | None, positions: NDArray[np.intp]) -> tuple[str, ...]:
    """What to call rows in a message: their keys, or their numbers from 0."""
    if key is None or key not in frame.columns:
        return tuple(f"row {position}" for position in positions)
    return tuple(str(value) for value in frame[key].iloc[positions])
