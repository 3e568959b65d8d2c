"""How far the distances are from exact ones where a window has moved in many ways.

Five shapes of columns, each moved or stretched in seven ways, so that some windows leave a bin
nearly empty: there a few rows more or less are much of the PSI. Beside a reference whose rows were
at hand, one that came in parts as a snapshot does that is too large for memory, and a rolling one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa

from activities.modelling.data.profiles import profile_and_read, profile_frame, profile_parts
from activities.modelling.data.sketches import Sketch, read_merged, read_sketches
from activities.modelling.monitoring.drift import compare
from benchmarks.monitoring import exact
from benchmarks.results import Row, row

_NOW = datetime(2024, 5, 1, tzinfo=UTC)
_TARGET = 1.0
_PARTS = 8
_SIZES = ((60_000, 20_000), (200_000, 7_000), (400_000, 20_000), (100_000, 1_000_000))
"""Rows of the reference and of the window."""

Floats = exact.Floats

_SHAPES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda rng, rows: rng.normal(size=rows),
    "lognormal": lambda rng, rows: rng.lognormal(size=rows),
    "exponential": lambda rng, rows: rng.exponential(size=rows),
    "uniform": lambda rng, rows: rng.random(rows),
    "heavy": lambda rng, rows: rng.standard_t(3, rows),
}
_MOVES: dict[str, Callable[[Floats], Floats]] = {
    "stays": lambda values: values,
    "0.1": lambda values: values + 0.1,
    "0.5": lambda values: values + 0.5,
    "1": lambda values: values + 1,
    "2": lambda values: values + 2,
    "wider": lambda values: values * 1.5,
    "narrower": lambda values: values * 0.5 + 0.2,
}
_NAMES = [f"{shape} {move}" for shape in _SHAPES for move in _MOVES]


def run() -> list[Row]:
    """The worst of all columns, by reference and measure."""
    found = []
    for reference_rows, window_rows in _SIZES:
        usual, now = drawn(reference_rows, window_rows)
        true = {
            name: exact.between(usual[name].to_numpy(), now[name].to_numpy()) for name in _NAMES
        }
        window = profile_and_read(now, _NOW)[1]
        for kind, reference in REFERENCES.items():
            drift = compare(reference(usual), window)
            told = {each.column: (each.psi, each.jensen_shannon, each.ks) for each in drift.columns}
            for measure, off in exact.farthest(told, true).items():
                case = f"{reference_rows:,} and {window_rows:,} rows that moved, {kind}: {measure}"
                found.append(row(f"{case} off scipy's", off, "%", target=_TARGET))
    return found


def drawn(reference_rows: int, window_rows: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A reference and a window, the same ones for the same numbers of rows."""
    rng = np.random.default_rng(reference_rows + window_rows)
    usual, now = dict[str, Floats](), dict[str, Floats]()
    for shape, draw in _SHAPES.items():
        learnt = draw(rng, reference_rows)
        for move, moved in _MOVES.items():
            usual[f"{shape} {move}"] = learnt
            now[f"{shape} {move}"] = moved(draw(rng, window_rows))
    return pd.DataFrame(usual), pd.DataFrame(now)


def _at_hand(rows: pd.DataFrame) -> Mapping[str, Sketch]:
    return read_sketches(profile_frame(rows, _NOW, "reference"))


def _in_parts(rows: pd.DataFrame) -> Mapping[str, Sketch]:
    table, size = pa.Table.from_pandas(rows, preserve_index=False), len(rows) // _PARTS
    parts = (table.slice(start, size) for start in range(0, len(rows), size))
    return read_sketches(profile_parts(parts, (), _NOW)[0])


def _rolling(rows: pd.DataFrame) -> Mapping[str, Sketch]:
    size = len(rows) // _PARTS
    windows = (rows[at : at + size] for at in range(0, len(rows), size))
    return read_merged([profile_frame(each, _NOW, "rolling") for each in windows], _NAMES)


REFERENCES = {
    "reference at hand": _at_hand,
    "reference in parts": _in_parts,
    "rolling reference": _rolling,
}
"""How a reference's rows become what a window is compared with."""
