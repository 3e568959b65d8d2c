"""Parquet, some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from perennial.contracts.errors import SourceInvalid

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 1 << 16
LARGEST_CELL = 1 << 24
"""Bytes of one value: a file cannot fill a worker's memory with a single one."""


def schema(fs: Any, path: str, where: str) -> pa.Schema:
    """The file's columns, which it tells without its rows."""
    with _opened(fs, path) as file:
        return file.schema_arrow.remove_metadata()


def batches(
    fs: Any, path: str, schema: pa.Schema, where: str, largest_cell: int = LARGEST_CELL
) -> Iterator[pa.RecordBatch]:
    """The rows, with these columns.

    Raises:
        SourceInvalid: values are larger than `largest_cell` on average, which is seen before any
            is read.
    """
    with _opened(fs, path) as file:
        _check_size(file.metadata, path, where, largest_cell)
        for batch in file.iter_batches(batch_size=ROWS, columns=schema.names):
            yield batch.replace_schema_metadata(None)


@contextmanager
def _opened(fs: Any, path: str) -> Iterator[Any]:
    import pyarrow.parquet as pq

    if "file" in fs.protocol:
        # Arrow reads a file of this machine by itself, and faster
        with pq.ParquetFile(path, memory_map=False, pre_buffer=False) as file:
            yield file
        return
    with fs.open(path, "rb") as opened, pq.ParquetFile(opened, pre_buffer=False) as file:
        yield file


def _check_size(metadata: Any, path: str, where: str, largest_cell: int) -> None:
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        for place in range(rows.num_columns):
            column = rows.column(place)
            size = column.total_uncompressed_size / max(column.num_values, 1)
            if size > largest_cell:
                raise SourceInvalid(
                    f"{where}: column {column.path_in_schema!r} of {path.rpartition('/')[2]} holds "
                    f"values of {size:,.0f} bytes, and {largest_cell:,} are the most; keep such "
                    f"values elsewhere, and their addresses in the table"
                )
