"""Rows that are gone through in parts: those of a frame as one, those of a large file as many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from activities.modelling.plain_types import with_gaps
from activities.modelling.values import row_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS_AT_ONCE = 1 << 16
_BYTES_AT_ONCE = 1 << 26


@dataclass(frozen=True)
class Part:
    """Some rows that follow each other.

    Attributes:
        start: how many rows are before them.
        frame: the rows, of the types that they have when all are in one frame. Shared: do not
            change them.
    """

    start: int
    frame: pd.DataFrame


class Parted(Protocol):
    """Rows that can be gone through as often as one likes."""

    @property
    def count(self) -> int:
        """How many rows there are."""

    @property
    def in_one(self) -> bool:
        """Whether all of them are one part."""

    def parts(self, columns: Sequence[str] | None = None) -> Iterator[Part]:
        """The rows in their order; where columns are named, at least these."""

    def whole(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """All rows at once; where columns are named, at least these."""

    def names(self, key: str | None, positions: NDArray[np.intp]) -> tuple[str, ...]:
        """What to call rows in a message: their keys, or their numbers from 0."""


class InMemory:
    """The rows of a frame."""

    in_one = True

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame
        self.count = len(frame)

    def parts(self, columns: Sequence[str] | None = None) -> Iterator[Part]:
        """One, with all columns."""
        yield Part(0, self._frame)

    def whole(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """The frame."""
        return self._frame

    def names(self, key: str | None, positions: NDArray[np.intp]) -> tuple[str, ...]:
        """As `row_names`."""
        return row_names(self._frame, key, positions)


class OnFile:
    """The rows of a snapshot that is too large for memory: a part of its file at a time."""

    in_one = False

    def __init__(self, path: Path, rows_at_once: int = _ROWS_AT_ONCE) -> None:
        """Look at what the file says of itself.

        Args:
            path: a snapshot's Parquet file.
            rows_at_once: at most; fewer where rows are wide.
        """
        self._path = path
        self._at_once = rows_at_once
        self._gaps = columns_with_gaps(path)
        self.count = int(pq.read_metadata(path).num_rows)

    def parts(self, columns: Sequence[str] | None = None) -> Iterator[Part]:
        """Read from the file."""
        start = 0
        for table in parts(self._path, columns, self._at_once):
            yield Part(start, with_gaps(table.to_pandas(), self._gaps))
            start += len(table)

    def whole(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Read from the file, however large that is."""
        wanted = None if columns is None else list(columns)
        frame: pd.DataFrame = pq.read_table(self._path, columns=wanted).to_pandas()
        return frame

    def names(self, key: str | None, positions: NDArray[np.intp]) -> tuple[str, ...]:
        """Read from those parts of the file that hold the rows."""
        if key is None:
            return row_names(pd.DataFrame(), None, positions)
        named: dict[int, str] = {}
        with pq.ParquetFile(self._path) as file:
            metadata, start = file.metadata, 0
            for group in range(metadata.num_row_groups):
                end = start + metadata.row_group(group).num_rows
                here = positions[(positions >= start) & (positions < end)]
                if len(here):
                    table = file.read_row_group(group, columns=[key])
                    keys = with_gaps(table.to_pandas(), self._gaps)
                    named |= zip(here.tolist(), row_names(keys, key, here - start), strict=True)
                start = end
        return tuple(named[position] for position in positions.tolist())


def parts(
    path: Path, columns: Sequence[str] | None = None, rows_at_once: int = _ROWS_AT_ONCE
) -> Iterator[pa.Table]:
    """The rows of a snapshot, as parts that fit in memory.

    Args:
        path: its file.
        columns: that are wanted, all of them unless given.
        rows_at_once: at most; fewer where rows are wide.
    """
    with pq.ParquetFile(path, pre_buffer=False) as file:
        wanted = None if columns is None else list(dict.fromkeys(columns))
        groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
        bytes_of_row = max((g.total_byte_size / max(g.num_rows, 1) for g in groups), default=1.0)
        size = max(1, min(rows_at_once, int(_BYTES_AT_ONCE / max(bytes_of_row, 1.0))))
        for batch in file.iter_batches(batch_size=size, columns=wanted):
            yield pa.Table.from_batches([batch]).replace_schema_metadata(None)


def columns_with_gaps(path: Path) -> frozenset[str]:
    """The columns of a snapshot that miss a value in some row, by the file's own statistics."""
    with pq.ParquetFile(path) as file:
        metadata, names = file.metadata, file.schema_arrow.names
        flat = len(names) == metadata.num_columns
        found = set()
        for group in range(metadata.num_row_groups):
            for place in range(metadata.num_columns):
                column = metadata.row_group(group).column(place)
                statistics = column.statistics
                if statistics is None or statistics.null_count:
                    found.add(names[place] if flat else column.path_in_schema.partition(".")[0])
    return frozenset(found)
