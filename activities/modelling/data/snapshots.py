"""Rows as an immutable Parquet file, and back."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activities.modelling.data.arriving import Arriving
from activities.modelling.data.ordering import no_room, ordered
from activities.modelling.data.parted import InMemory, OnFile, Parted
from perennial.authoring import Features
from perennial.blobs import BlobStore
from perennial.contracts.base import BlobRef
from perennial.contracts.data import Column, DatasetSnapshot, Watermark
from perennial.contracts.errors import SourceInvalid
from perennial.contracts.feature_views import JoinedView
from perennial.contracts.spec import Source

_ROWS_IN_GROUP = 1 << 17
_CELLS_IN_GROUP = 1 << 25
_FRAMES_KEPT = 2
_CELLS_IN_MEMORY, _BYTES_IN_MEMORY = 1 << 25, 1 << 28
"""Values, as numbers 256 MB, and bytes of the file of a snapshot whose rows are judged at once;
larger ones go by in parts."""


def keep(
    blobs: BlobStore,
    rows: Arriving | pa.Table,
    features: Features,
    *,
    model: str,
    source: Source,
    tags: dict[str, str],
    transformation: str | None = None,
    parent: DatasetSnapshot | None = None,
    feature_views: tuple[JoinedView, ...] = (),
) -> DatasetSnapshot:
    """Write the rows once, named by what they are.

    The file depends on the rows alone and not on the parts that they come in: they are ordered by
    key where there is one, and the file's own parts have a number of rows that follows from the
    columns. A part of the rows is in memory, never all of them.

    Raises:
        SourceInvalid: there are no rows.
        Unavailable: there is no room for them.
    """
    if isinstance(rows, pa.Table):
        rows = Arriving(rows.schema, iter([rows]))
    seen = _Seen(features.time, source.watermark)
    with tempfile.TemporaryDirectory(prefix="perennial-rows-") as folder:
        path = Path(folder) / "rows.parquet"
        with no_room(f"the rows of source {source.uri!r} could not be kept", folder):
            _write(path, rows, features.key, seen)
        if not seen.rows:
            raise SourceInvalid(
                f"source {source.uri!r} has no rows with options {source.options}; a model needs "
                f"some"
            )
        data = blobs.put(path, consume=True)
    made = _described(data, rows.schema, seen, model, source, tags, transformation, parent)
    return made.model_copy(update={"feature_views": feature_views})


def _described(
    data: BlobRef,
    schema: pa.Schema,
    seen: _Seen,
    model: str,
    source: Source,
    tags: dict[str, str],
    transformation: str | None,
    parent: DatasetSnapshot | None,
) -> DatasetSnapshot:
    return DatasetSnapshot(
        digest=data.sha256,
        model=model,
        data=data,
        rows=seen.rows,
        columns=tuple(Column(name=field.name, type=str(field.type)) for field in schema),
        source_uri=source.uri,
        time_from=_utc(seen.first),
        time_to=_utc(seen.last),
        taken_at=datetime.now(UTC),
        tags=tags,
        transformation=transformation,
        parent=parent.digest if parent is not None else None,
        watermark=_watermark(seen),
    )


@dataclass
class _Seen:
    """What is known of the rows once they have gone by."""

    time: str | None
    mark: str | None
    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    furthest: datetime | int | float | str | None = None

    def add(self, table: pa.Table) -> None:
        self.rows += len(table)
        if self.time is not None:
            extent = pc.min_max(table[self.time]).as_py()
            known = [at for at in (self.first, self.last, *extent.values()) if at is not None]
            self.first, self.last = (min(known), max(known)) if known else (None, None)
        if self.mark is not None:
            column = table[self.mark]
            largest = pc.max(column).as_py()
            if largest is not None and (self.furthest is None or largest > self.furthest):
                self.furthest = largest


def _write(path: Path, rows: Arriving, key: str | None, seen: _Seen) -> None:
    group = max(1, min(_ROWS_IN_GROUP, _CELLS_IN_GROUP // max(len(rows.schema), 1)))
    with pq.ParquetWriter(path, rows.schema, compression="zstd") as writer:
        for table in _grouped(ordered(rows.tables, key, path.parent), group):
            seen.add(table)
            writer.write_table(table, row_group_size=group)


def _grouped(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """So many rows each, in one piece: where a piece ends is written into the file."""
    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        start = 0
        while count + len(table) - start >= rows:
            waiting.append(table.slice(start, rows - count))
            start += rows - count
            yield pa.concat_tables(waiting).combine_chunks()
            waiting, count = [], 0
        if start < len(table):
            waiting.append(table.slice(start))
            count += len(table) - start
    if count:
        yield pa.concat_tables(waiting).combine_chunks()


def _watermark(seen: _Seen) -> Watermark | None:
    if seen.mark is None or seen.furthest is None:
        return None
    value = seen.furthest
    if isinstance(value, datetime):
        moment = _utc(value)
        assert moment is not None
        value = moment.isoformat()
    return Watermark(column=seen.mark, value=value)


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def read_rows(path: Path, columns: Collection[str] | None = None) -> pd.DataFrame:
    """All rows of a snapshot.

    Args:
        path: its file.
        columns: that are wanted, all of them unless given.
    """
    names = pq.read_schema(path).names
    wanted = names if columns is None else [name for name in names if name in columns]
    frame: pd.DataFrame = pq.read_table(path, columns=wanted).to_pandas()
    return frame


class Frames:
    """Reads snapshots, and keeps the last few: every stage of a run wants the same rows."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._kept: OrderedDict[str, pd.DataFrame] = OrderedDict()
        self._lock = threading.Lock()

    def at_hand(self, snapshot: DatasetSnapshot) -> pd.DataFrame | None:
        """The rows, where they are in memory already. Shared: do not change them."""
        with self._lock:
            return self._kept.get(snapshot.digest)

    def parted(self, snapshot: DatasetSnapshot) -> Parted:
        """The rows, to be gone through: in one part where they are in memory, or may well be.

        Raises:
            BlobCorrupt: the file is not what it was.
        """
        cells = snapshot.rows * len(snapshot.columns)
        small = cells <= _CELLS_IN_MEMORY and snapshot.data.size <= _BYTES_IN_MEMORY
        if small or self.at_hand(snapshot) is not None:
            return InMemory(self.read(snapshot))
        return OnFile(self._blobs.get(snapshot.data))

    def read(self, snapshot: DatasetSnapshot) -> pd.DataFrame:
        """The rows of a snapshot. Shared: do not change them.

        Raises:
            BlobCorrupt: the file is not what it was.
        """
        with self._lock:
            frame = self._kept.get(snapshot.digest)
            if frame is None:
                frame = read_rows(self._blobs.get(snapshot.data))
                self._kept[snapshot.digest] = frame
                while len(self._kept) > _FRAMES_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(snapshot.digest)
            return frame
