"""Read rows from any place that fsspec, SQLAlchemy or Delta Lake knows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perennial.authoring.secrets import Resolved
from perennial.contracts.spec import Source

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def read_table(source: Source | str) -> pd.DataFrame:
    """Read a source, or the files at a URL, at once. As `read_batches` otherwise.

    Empty fields of a CSV are missing values, in text columns also.
    """
    import pyarrow as pa

    asked = Source(uri=source) if isinstance(source, str) else source
    frame: pd.DataFrame = pa.Table.from_batches(read_batches(asked)).to_pandas()
    return frame


def read_batches(source: Source) -> Iterator[pa.RecordBatch]:
    """Read a source in parts that fit in memory: one at least, all of one schema.

    With `source.query` from a database; else a Delta table where the folder holds one; else CSV,
    Parquet or JSON lines, as the names' endings say: a file, all in a folder, or those that a
    pattern such as `data/*.csv` names. Folders called `year=2024` are a column of that name.

    With `source.feature_views` these rows have the features of a feature store beside their own
    columns, as they were at each row's time.

    Raises:
        FileNotFoundError: there is nothing at that place.
        SourceInvalid: the ending is of no known format, a file is not of its format, a column
            mixes types, the query fails, or the features cannot be joined.
        Unavailable: the place does not answer, or has changed while it was read.
    """
    rows = _rows(source)
    if source.feature_views is None:
        return rows
    from perennial.authoring import feature_views

    return feature_views.read(rows, source)


def _rows(source: Source) -> Iterator[pa.RecordBatch]:
    address = Resolved(source.uri)
    # what reads each of them is loaded then: a project is imported in light processes
    if source.query is not None:
        from perennial.authoring import databases

        return databases.read(address, source)
    from perennial.authoring import files, lake

    if lake.is_table(address):
        return lake.read(address, source)
    return files.read(address, source)
