"""Rows in the order of a column, of which a bounded part is in memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from perennial.contracts.errors import SourceInvalid, Unavailable

BYTES_AT_ONCE = 1 << 27
_ROWS_OF_RUN = 1 << 14


@contextmanager
def no_room(what: str, folder: str) -> Iterator[None]:
    """Turn a disk that is full into Unavailable.

    Args:
        what: could not be done.
        folder: that has no room.
    """
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"{what} in {folder}: {error}; make room there, or set TMPDIR of the workers to a "
            f"larger disk"
        ) from error


def ordered(
    tables: Iterable[pa.Table], key: str | None, folder: Path, bytes_at_once: int | None = None
) -> Iterator[pa.Table]:
    """The same rows by ascending key; as they come where there is none. Rows without a key are
    last.

    Rows with the same key may be in either order; a table that has some is refused later.

    Args:
        tables: of one schema.
        key: a column.
        folder: for what does not fit in memory.
        bytes_at_once: of rows that are sorted in memory, `BYTES_AT_ONCE` unless given.

    Raises:
        SourceInvalid: the key is of a type that has no order.
        OSError: there is no room in the folder.
    """
    if key is None:
        yield from tables
        return
    runs: list[pa.Table | Path] = []
    unnamed: list[pa.Table] = []
    gathered: list[pa.Table] = []
    size = 0

    def sort() -> pa.Table:
        rows = _sorted(pa.concat_tables(gathered).combine_chunks(), key, unnamed)
        gathered.clear()
        return rows

    for table in tables:
        gathered.append(table)
        size += table.nbytes
        if size > (bytes_at_once or BYTES_AT_ONCE):
            runs.append(_keep(sort(), folder / f"run-{len(runs)}.arrow"))
            size = 0
    if gathered:
        runs.append(sort())
    if len(runs) == 1 and isinstance(runs[0], pa.Table):
        yield runs[0]
    else:
        yield from _merged([_parts(run) for run in runs], key)
    yield from unnamed


def _sorted(table: pa.Table, key: str, unnamed: list[pa.Table]) -> pa.Table:
    column = table[key]
    try:
        missing = pc.is_null(column, nan_is_null=True)
        if pc.any(missing).as_py():
            unnamed.append(table.filter(missing))
            table = table.filter(pc.invert(missing))
            column = table[key]
        if _ascends(column):
            return table
        return table.take(pc.sort_indices(column))
    except (pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
        raise SourceInvalid(
            f"the key {key!r} is {column.type}, which has no order; name a column of text or "
            f"whole numbers in features()"
        ) from error


def _ascends(column: pa.ChunkedArray) -> bool:
    if len(column) < 2:
        return True
    return bool(pc.all(pc.less_equal(column[:-1], column[1:])).as_py())


def _keep(table: pa.Table, path: Path) -> Path:
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as run:
        run.write_table(table, max_chunksize=_ROWS_OF_RUN)
    return path


def _parts(run: pa.Table | Path) -> Iterator[pa.Table]:
    if isinstance(run, Path):
        with pa.OSFile(str(run)) as file, pa.ipc.open_file(file) as kept:
            for number in range(kept.num_record_batches):
                yield pa.Table.from_batches([kept.get_batch(number)])
        run.unlink()
    else:
        for start in range(0, len(run), _ROWS_OF_RUN):
            yield run.slice(start, _ROWS_OF_RUN)


def _merged(runs: list[Iterator[pa.Table]], key: str) -> Iterator[pa.Table]:
    """Of every run a part is at hand. What is not above the least of the parts' last keys is whole
    and can go."""
    pairs = [(head, run) for run in runs if (head := next(run, None)) is not None]
    while pairs:
        last = pa.chunked_array([head[key][-1:].combine_chunks() for head, _ in pairs])
        bound = pc.min(last)
        ready, left = [], []
        for head, run in pairs:
            whole = pc.sum(pc.less_equal(head[key], bound)).as_py() or 0
            if whole:
                ready.append(head.slice(0, whole))
            rest = head.slice(whole) if whole < len(head) else next(run, None)
            if rest is not None:
                left.append((rest, run))
        pairs = left
        table = pa.concat_tables(ready)
        yield table if _ascends(table[key]) else table.take(pc.sort_indices(table[key]))
