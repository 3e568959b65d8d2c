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
LARGEST_PART = 1 << 30
"""Bytes of one column in one group of rows, which are read at once: one value among many could be
most of them, and only reading would tell."""


def schema(fs: Any, path: str, where: str) -> pa.Schema:
    """The file's columns, which it tells without its rows."""
    with _opened(fs, path) as file:
        return file.schema_arrow.remove_metadata()


def batches(
    fs: Any,
    path: str,
    schema: pa.Schema,
    where: str,
    largest_cell: int = LARGEST_CELL,
    largest_part: int = LARGEST_PART,
) -> Iterator[pa.RecordBatch]:
    """The rows, with these columns.

    Raises:
        SourceInvalid: values are larger than `largest_cell` on average, or a column's in one group
            of rows are larger than `largest_part` together. Both are seen before any is read.
    """
    with _opened(fs, path) as file:
        _check_size(file.metadata, path, where, largest_cell, largest_part)
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


def _check_size(metadata: Any, path: str, where: str, largest_cell: int, largest_part: int) -> None:
    name = path.rpartition("/")[2]
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group)
        for place in range(rows.num_columns):
            column = rows.column(place)
            size = column.total_uncompressed_size / max(column.num_values, 1)
            if column.total_uncompressed_size > largest_part:
                raise SourceInvalid(
                    f"{where}: column {column.path_in_schema!r} of {name} has "
                    f"{column.total_uncompressed_size:,} bytes in one group of {rows.num_rows:,} "
                    f"rows, and {largest_part:,} are the most; write the file with smaller groups, "
                    f"or keep such values elsewhere, and their addresses in the table"
                )
            if size > largest_cell:
                raise SourceInvalid(
                    f"{where}: column {column.path_in_schema!r} of {name} holds "
                    f"values of {size:,.0f} bytes, and {largest_cell:,} are the most; keep such "
                    f"values elsewhere, and their addresses in the table"
                )
