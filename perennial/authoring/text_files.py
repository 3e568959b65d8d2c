"""CSV and JSON lines, some megabytes at a time.

Arrow's own readers of streams keep the types of the first block; here every block has its say. A
file that is one block is read once, a larger one twice: for its types, and for its rows.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from perennial.authoring.schemas import cast, united
from perennial.contracts.errors import SourceInvalid

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK = 1 << 24
LARGEST_LINE = 1 << 26
"""Bytes of one row: a file cannot fill a worker's memory with a single one."""


def schema(fs: Any, path: str, where: str) -> pa.Schema:
    """The columns that the whole file has."""
    return united((table.schema for table in _tables(fs, path, where)), where, as_text=is_csv(path))


def batches(fs: Any, path: str, schema: pa.Schema, where: str) -> Iterator[pa.RecordBatch]:
    """The rows, with these columns."""
    for table in _tables(fs, path, where, schema):
        for batch in table.combine_chunks().to_batches():
            yield cast(batch, schema, where)


def is_csv(path: str) -> bool:
    """Whether the name says so."""
    return ".csv" in path.lower().rpartition("/")[2]


def _tables(fs: Any, path: str, where: str, schema: pa.Schema | None = None) -> Iterator[pa.Table]:
    with fs.open(path, "rb", compression="infer") as file:
        if is_csv(path):
            yield from _of_csv(file, where, schema)
        else:
            yield from _of_json(file, where, schema)


def _of_csv(file: Any, where: str, schema: pa.Schema | None) -> Iterator[pa.Table]:
    from pyarrow import csv

    names: list[str] | None = None
    convert = csv.ConvertOptions(strings_can_be_null=True, column_types=schema)
    parse = csv.ParseOptions(newlines_in_values=True)
    for block in blocks(file, where, quoted=True):
        # with newlines in values Arrow's own blocks could begin in the middle of one
        read = csv.ReadOptions(column_names=names, block_size=len(block) + 1)
        table = csv.read_csv(io.BytesIO(block), read, parse, convert)
        names = table.column_names
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise SourceInvalid(f"{where}: two columns are called {twice!r}")
        yield table


def _of_json(file: Any, where: str, schema: pa.Schema | None) -> Iterator[pa.Table]:
    import pyarrow as pa
    from pyarrow import json

    parse = json.ParseOptions(explicit_schema=schema)
    for block in blocks(file, where, quoted=False):
        if not block.strip():
            continue
        try:
            yield json.read_json(
                io.BytesIO(block), json.ReadOptions(block_size=len(block) + 1), parse
            )
        except pa.ArrowInvalid as error:
            if "changed from" not in str(error):
                raise
            raise SourceInvalid(
                f"{where}: a column mixes types: {error}; make them one in the source"
            ) from error


def blocks(
    file: Any, where: str, *, quoted: bool, size: int = BLOCK, largest_line: int = LARGEST_LINE
) -> Iterator[bytes]:
    """Whole lines, `size` bytes or a little more of them.

    Args:
        file: opened for bytes.
        where: what a message calls it.
        quoted: whether a line's end between quotes is part of a value.
        size: of a block, in bytes.
        largest_line: in bytes.

    Raises:
        SourceInvalid: a line is longer than that.
    """
    rest, end = b"", False
    while not end:
        read = file.read(size)
        end = not read
        block = rest + read
        cut = len(block) if end else _last_end(block, quoted)
        if len(block) - cut > largest_line or (end and len(block) > largest_line + size):
            raise SourceInvalid(
                f"{where}: a row has more than {largest_line:,} bytes; keep such values elsewhere, "
                f"and their addresses in the table. If it has no such row, a quote is not closed"
            )
        rest = block[cut:]
        if cut:
            yield block[:cut]


def _last_end(block: bytes, quoted: bool) -> int:
    """Where the last whole line ends; 0 where there is none. Blocks begin outside of quotes."""
    cut = block.rfind(b"\n") + 1
    while quoted and cut and block.count(b'"', 0, cut) % 2:
        cut = block.rfind(b"\n", 0, cut - 1) + 1
    return cut
