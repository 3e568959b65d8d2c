"""The frames that everybody is given, as files that numpy alone reads.

Loaded in the peers' environments too: numpy and pandas, and nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

REFERENCE_ROWS = 100_000
_TEXTS = 20


def numbers(columns: int) -> list[str]:
    """Names of four fifths of the columns."""
    return [f"n{number:02}" for number in range(columns * 4 // 5)]


def texts(columns: int) -> list[str]:
    """Names of the others."""
    return [f"c{number:02}" for number in range(columns - columns * 4 // 5)]


def write(folder: Path, rows: int, columns: int) -> Path:
    """A reference and a window, in which every second column has moved."""
    rng = np.random.default_rng(rows + columns)
    path = folder / f"{rows}-{columns}.npz"
    both: dict[str, Any] = {
        f"{side}/{name}": values
        for side, count, moved in (("reference", REFERENCE_ROWS, 0.0), ("window", rows, 0.4))
        for name, values in _drawn(rng, count, columns, moved).items()
    }
    with path.open("wb") as file:
        np.savez(file, **both)
    return path


def _drawn(
    rng: np.random.Generator, rows: int, columns: int, moved: float
) -> dict[str, np.ndarray]:
    drawn = {}
    for place, name in enumerate(numbers(columns)):
        values = rng.normal(moved * (place % 2), 1, rows)
        # one in four is skewed, as times and amounts are
        drawn[name] = np.exp(values) if place % 4 == 3 else values
    for place, name in enumerate(texts(columns)):
        shares = np.arange(1, _TEXTS + 1) ** (-1.0 + moved * (place % 2))
        drawn[name] = rng.choice(
            [f"t{number}" for number in range(_TEXTS)], rows, p=shares / shares.sum()
        )
    return drawn


def read(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The reference and the window, as pandas has them by itself."""
    with np.load(path) as file:
        sides: dict[str, dict[str, pd.Series]] = {"reference": {}, "window": {}}
        for key in file.files:
            side, _, name = key.partition("/")
            values = file[key]
            sides[side][name] = pd.Series(
                values.astype(object) if values.dtype.kind == "U" else values
            ).infer_objects()
    return pd.DataFrame(sides["reference"]), pd.DataFrame(sides["window"])
