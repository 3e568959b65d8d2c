"""What is new in a source since a snapshot, beside what that snapshot holds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activities.modelling.data.arriving import Arriving
from activities.modelling.data.ordering import no_room, ordered
from activities.modelling.data.parted import parts
from perennial.authoring.schemas import united
from perennial.contracts.data import DatasetSnapshot
from perennial.contracts.errors import SourceInvalid
from perennial.contracts.spec import Source

_ROWS_AT_ONCE = 1 << 16


def goes_on_from(source: Source, parent: DatasetSnapshot) -> Source | None:
    """The source, of which only what is new since a snapshot needs to be read.

    Returns:
        None where the snapshot knows more than is asked for: it is of a later moment.
    """
    mark = parent.watermark
    if mark is None or mark.column != source.watermark:
        return None
    value: datetime | int | float | str = mark.value
    kinds = {column.name: column.type for column in parent.columns}
    if kinds.get(mark.column, "").startswith("timestamp"):
        value = datetime.fromisoformat(str(value))
        if source.as_of is not None and source.as_of < value:
            return None
        if "tz=" not in kinds[mark.column]:
            value = value.replace(tzinfo=None)
    elif source.as_of is not None:
        return None  # when a row came cannot be told
    return source.only_since(value)


@contextmanager
def added(
    fresh: Arriving, path: Path, parent: DatasetSnapshot, source: Source, key: str | None
) -> Iterator[Arriving | None]:
    """The rows of a snapshot with those that are new: a new row takes the place of the one that
    had its key. Without keys only rows above the watermark are new.

    Args:
        fresh: rows from the watermark on.
        path: the parent's file.
        parent: the snapshot before.
        source: from the watermark on.
        key: the column that names rows.

    Yields:
        None where the columns have changed, and all has to be read again.
    """
    with tempfile.TemporaryDirectory(prefix="perennial-new-") as folder:
        schema = pq.read_schema(path).remove_metadata()
        try:
            if not united([schema, fresh.schema], "").equals(schema):
                yield None
                return
        except SourceInvalid:
            yield None
            return
        if key is None:
            fresh = _above(fresh, source)
        kept = Path(folder) / "new.arrow"
        with no_room(f"what is new in source {source.uri!r} could not be kept", folder):
            _keep(fresh, schema, kept)
        yield Arriving(schema, _both(path, kept, key))


def _above(fresh: Arriving, source: Source) -> Arriving:
    from activities.modelling.data.arriving import scalar

    mark, since = source.watermark, source.since
    assert mark is not None and since is not None
    least = scalar(since, fresh.schema.field(mark).type)
    tables = (table.filter(pc.greater(table[mark], least)) for table in fresh.tables)
    return Arriving(fresh.schema, tables)


def _keep(fresh: Arriving, schema: pa.Schema, path: Path) -> None:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, schema) as kept:
        for table in fresh.tables:
            kept.write_table(table.select(schema.names).cast(schema))


def _both(path: Path, kept: Path, key: str | None) -> Iterator[pa.Table]:
    if key is None:
        yield from parts(path)
    else:
        keys = (table.select([key]).drop_null() for table in _kept(kept))
        new = (table[key] for table in ordered(keys, key, kept.parent))
        yield from _not_replaced(path, key, new)
    yield from _kept(kept)


def _kept(path: Path) -> Iterator[pa.Table]:
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
        for batch in stream:
            yield pa.Table.from_batches([batch])


def _not_replaced(path: Path, key: str, new: Iterator[pa.ChunkedArray]) -> Iterator[pa.Table]:
    """The rows of a snapshot, which ascend by key, without those whose key is new.

    Args:
        path: its file.
        key: the column.
        new: keys that ascend too, some at a time.
    """
    ahead = next(new, None)
    for table in parts(path, rows_at_once=_ROWS_AT_ONCE):
        keys, replaced = table[key], pa.array(np.zeros(len(table), dtype=bool))
        last = pc.max(keys)
        while ahead is not None:
            here = pc.sum(pc.less_equal(ahead, last)).as_py() or 0
            if here:
                found = pc.is_in(keys, value_set=ahead[:here].combine_chunks())
                replaced = pc.or_(replaced, found)
            if here < len(ahead):
                ahead = ahead[here:]
                break
            ahead = next(new, None)
        yield table.filter(pc.invert(replaced))
