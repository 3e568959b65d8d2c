"""Requests as Parquet files: `environment=.../model=.../date=.../hour=.../PROCESS-NUMBER.parquet`.

A row of a request is a row of a file. `inputs` and `answer` are structs, so that no column of a
model can be mistaken for one of ours; a vector of columns is one in `inputs`, or a list where it is
long. The names of its columns are in the file's metadata.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.log_days import remove_old_days
from perennial.storage import filesystem
from serving.page_columns import Columns, Numbers, Texts, columns

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from perennial.contracts.serving import Deployment
    from serving.columns import Input
    from serving.pages import Page, Whose


def load() -> None:
    """Load what writing needs, before requests come: some of it is loaded by the first write."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    strings = pa.StructArray.from_arrays([pa.array(["a"])], names=["a"])
    pq.write_table(pa.table({"a": strings}), pa.BufferOutputStream(), compression="snappy")


class LogFiles:
    """Files of one process under an fsspec URL."""

    def __init__(self, url: str, process: str) -> None:
        self._fs, root = filesystem(url)
        self._root = root.rstrip("/")
        self._process = process
        self._numbers = count(1)
        self._cleared: dict[str, str] = {}

    def memory(self, size: int) -> bytearray:
        """So many bytes, in which pages stand."""
        return bytearray(size)

    def write(self, page: Page) -> None:
        """Write requests, a file for each hour that they are of.

        Raises:
            OSError, or the store's own errors: nothing of the file that failed is left.
        """
        of = page.of.deployment
        folder = f"{self._root}/environment={of.environment}/model={of.model}"
        found = columns(page)
        table = _table(page.of, found)
        hours = found.at.astype(np.int64) // 3600
        several = np.unique(hours).tolist()
        for hour in several:
            some = table
            if len(several) > 1:
                some = table.filter(np.repeat(hours == hour, found.rows))
            self._put(folder, datetime.fromtimestamp(hour * 3600, UTC), some)
        self._clear(folder, of)

    def close(self) -> None:
        """Nothing is open between two writes."""

    def _put(self, folder: str, hour: datetime, table: pa.Table) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        folder = f"{folder}/date={hour:%Y-%m-%d}/hour={hour:%H}"
        self._fs.makedirs(folder, exist_ok=True)
        path = f"{folder}/{self._process}-{next(self._numbers):06}.parquet"
        # a reader never sees half a file: what begins with a dot is none
        partial = f"{folder}/.{self._process}.partial"
        how = {
            # numbers hardly repeat, and what is read once a day need not be small at any cost
            "compression": "snappy",
            "use_dictionary": [f.name for f in table.schema if pa.types.is_dictionary(f.type)],
            "write_statistics": ["at"],  # nobody looks for requests by their numbers
            "store_schema": False,  # texts are read as such, however they were written
        }
        with (
            self._fs.open(partial, "wb") as file,
            pq.ParquetWriter(file, table.schema, **how) as writer,
        ):
            writer.write_table(table)
            writer.add_key_value_metadata(table.schema.metadata)
        self._fs.mv(partial, path)

    def _clear(self, folder: str, of: Deployment) -> None:
        """Remove days that are older than the spec keeps them, once a day."""
        today, log = f"{datetime.now(UTC):%Y-%m-%d}", of.log
        if log is None or self._cleared.get(folder) == today:
            return
        self._cleared[folder] = today
        remove_old_days(self._fs, folder, log, datetime.now(UTC))


def _table(of: Whose, page: Columns) -> pa.Table:
    import pyarrow as pa

    sizes, rows = page.rows, int(page.rows.sum())
    first = np.cumsum(sizes, dtype=np.int32) - sizes
    of_request = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)

    def repeated(values: NDArray[Any], kind: pa.DataType | None = None) -> pa.Array:
        """A value of each request, for each of its rows."""
        return pa.array(np.repeat(values, sizes), kind)

    def text(texts: pa.Array) -> pa.Array:
        """The same of texts."""
        found = texts.dictionary_encode()  # so that each is looked at once a request
        places = found.indices.take(pa.array(of_request))
        return pa.DictionaryArray.from_arrays(places, found.dictionary)

    def same(value: int) -> pa.Array:
        return pa.array(np.full(rows, value, np.int32))

    ids = _strings(page.request_ids)
    columns: dict[str, Any] = {
        "at": repeated((page.at * 1e6).astype(np.int64), pa.timestamp("us", "UTC")),
        "request_id": ids if len(sizes) == rows else text(ids),
        "row": pa.array(np.arange(rows, dtype=np.int32) - np.repeat(first, sizes), pa.int32()),
        "variant": pa.DictionaryArray.from_arrays(same(0), [of.variant.name]),
        "version": same(of.variant.version),
        "epoch": same(of.deployment.epoch),
        "copy": pa.array(np.full(rows, of.copy)),
        "named": repeated(page.named),
        "entity": text(_strings(page.entities)),
        "seconds": repeated(page.seconds),
        "inputs": _struct({i.name: _input(i, page.inputs[i.name]) for i in of.inputs}),
    }
    if page.answers is not None:
        # what is not finite has failed
        numbers = map(pa.array, page.answers.values)
        columns["answer"] = _struct(dict(zip(of.classes or ("value",), numbers, strict=True)))
    vectors = {i.name: i.columns for i in of.inputs if len(i.columns) > 1}
    said = {"perennial": json.dumps({"vectors": vectors, "classes": of.classes})}
    return pa.table(columns, _schema(columns, said))


def _schema(columns: dict[str, pa.Array], said: dict[str, str] | None = None) -> pa.Schema:
    """What the columns are. Whether each value is there is written only where one is not."""
    import pyarrow as pa

    fields = [
        pa.field(name, column.type, nullable=column.null_count > 0)
        for name, column in columns.items()
    ]
    return pa.schema(fields, said)


def _struct(columns: dict[str, pa.Array]) -> pa.Array:
    import pyarrow as pa

    return pa.StructArray.from_arrays(list(columns.values()), fields=list(_schema(columns)))


def _input(each: Input, values: Numbers | Texts | NDArray[np.float32]) -> pa.Array:
    import pyarrow as pa

    if isinstance(values, Texts):
        return _strings(values)
    if isinstance(values, Numbers):
        columns = list(map(_numbers, values.values, values.unknown.tolist()))
        return (
            columns[0]
            if len(columns) == 1
            else _struct(dict(zip(each.columns, columns, strict=True)))
        )
    numbers = _numbers(values, bool(np.isnan(values).any()))
    item = pa.field("item", numbers.type, nullable=numbers.null_count > 0)
    return pa.FixedSizeListArray.from_arrays(numbers, type=pa.list_(item, len(each.columns)))


def _numbers(values: NDArray[np.float32], some_unknown: bool) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, mask=np.isnan(values) if some_unknown else None)


def _strings(texts: Texts) -> pa.Array:
    import pyarrow as pa

    sizes = texts.sizes
    there, ends = sizes >= 0, np.cumsum(np.maximum(sizes, 0), dtype=np.int32)
    starts = np.concatenate([np.zeros(1, dtype=np.int32), ends])
    if texts.data.isascii():  # no text becomes an object
        valid = None if there.all() else pa.array(there).buffers()[1]
        return pa.StringArray.from_buffers(
            len(sizes), pa.py_buffer(starts), pa.py_buffer(texts.data), valid
        )
    found = [
        texts.data[start:end].decode("utf-8", "replace") if here else None
        for start, end, here in zip(starts[:-1], ends, there, strict=True)
    ]
    return pa.array(found, pa.string())
