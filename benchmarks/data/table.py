"""A table with a key, a time, numbers and text, written as one Parquet file in parts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

KEY = "id"
NUMBERS = tuple(f"n{number:02}" for number in range(14))
TEXTS = tuple(f"c{number}" for number in range(3))
_AT_ONCE = 1_000_000


def write(path: Path, rows: int, *, shuffled: bool = False) -> None:
    """Rows of 20 columns.

    Args:
        path: of the file.
        rows: how many.
        shuffled: whether the keys are in no order, within each million rows and of them.
    """
    rng = np.random.default_rng(rows)
    writer: pq.ParquetWriter | None = None
    starts = np.arange(0, rows, _AT_ONCE)
    for start in rng.permutation(starts) if shuffled else starts:
        table = _table(rng, int(start), min(_AT_ONCE, rows - int(start)), shuffled)
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _table(rng: np.random.Generator, start: int, rows: int, shuffled: bool) -> pa.Table:
    ids = np.arange(start, start + rows)
    if shuffled:
        rng.shuffle(ids)
    minutes = pa.array(ids * 60_000_000, pa.timestamp("us"))
    words = pa.array([f"word {number}" for number in range(40)])
    columns: dict[str, pa.Array] = {KEY: pa.array(ids), "at": minutes}
    for name in NUMBERS:
        columns[name] = pa.array(rng.normal(size=rows))
    for name in TEXTS:
        columns[name] = words.take(pa.array(rng.integers(0, 40, rows)))
    columns["sold"] = pa.array(rng.integers(0, 2, rows))
    return pa.table(columns)
