"""Requests as Parquet files: `environment=.../model=.../date=.../hour=.../PROCESS-NUMBER.parquet`.

A row of a request is a row of a file. `inputs` and `answer` are structs, so that no column of a
model can be mistaken for one of ours; a vector of columns is a list, whose names are in the file's
metadata.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.log_days import remove_old_days
from perennial.storage import filesystem
from serving.pages import Texts

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from perennial.contracts.serving import Deployment
    from serving.columns import Input
    from serving.pages import Columns, Page, Whose

_REPEATED = ["variant", "entity"]


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
        columns = page.columns()
        table = _table(page.of, columns)
        hours = columns.at.astype(np.int64) // 3600
        several = np.unique(hours).tolist()
        for hour in several:
            some = table
            if len(several) > 1:
                some = table.filter(np.repeat(hours == hour, columns.rows))
            self._put(folder, datetime.fromtimestamp(hour * 3600, UTC), some)
        self._clear(folder, of)

    def close(self) -> None:
        """Nothing is open between two writes."""

    def _put(self, folder: str, hour: datetime, table: pa.Table) -> None:
        import pyarrow.parquet as pq

        folder = f"{folder}/date={hour:%Y-%m-%d}/hour={hour:%H}"
        self._fs.makedirs(folder, exist_ok=True)
        path = f"{folder}/{self._process}-{next(self._numbers):06}.parquet"
        # a reader never sees half a file: what begins with a dot is none
        partial = f"{folder}/.{self._process}.partial"
        with self._fs.open(partial, "wb") as file:
            # numbers hardly repeat, and what is read once a day need not be small at any cost
            pq.write_table(
                table,
                file,
                compression="snappy",
                use_dictionary=_REPEATED,
                write_statistics=["at"],  # nobody looks for requests by their numbers
            )
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
    several = len(sizes) < rows

    def each(values: Any, kind: Any = None) -> pa.Array:
        """A value of each request, for each of its rows."""
        found = values if isinstance(values, pa.Array) else pa.array(values, kind)
        return found.take(pa.array(np.repeat(np.arange(len(sizes)), sizes))) if several else found

    def same(value: Any, kind: Any) -> pa.Array:
        return pa.repeat(pa.scalar(value, kind), rows)

    first = np.cumsum(sizes) - sizes
    columns: dict[str, Any] = {
        "at": each((page.at * 1e6).astype(np.int64), pa.timestamp("us", "UTC")),
        "request_id": each(_strings(page.request_ids)),
        "row": pa.array(np.arange(rows) - np.repeat(first, sizes), pa.int32()),
        "variant": same(of.variant.name, pa.string()),
        "version": same(of.variant.version, pa.int32()),
        "epoch": same(of.deployment.epoch, pa.int32()),
        "copy": same(of.copy, pa.bool_()),
        "named": each(page.named),
        "entity": each(_strings(page.entities)),
        "seconds": each(page.seconds),
        "inputs": _struct({i.name: _input(i, page.inputs[i.name]) for i in of.inputs}),
    }
    if len(page.answers):
        columns["answer"] = _struct(_answers(of.classes, page.answers))
    vectors = {i.name: i.columns for i in of.inputs if len(i.columns) > 1}
    said = {"perennial": json.dumps({"vectors": vectors, "classes": of.classes})}
    return pa.table(columns).replace_schema_metadata(said)


def _struct(columns: dict[str, pa.Array]) -> pa.Array:
    import pyarrow as pa

    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


def _input(each: Input, values: NDArray[np.float32] | Texts) -> pa.Array:
    import pyarrow as pa

    if isinstance(values, Texts):
        return _strings(values)
    unknown = np.isnan(values)
    numbers = pa.array(values, mask=unknown if unknown.any() else None)
    width = len(each.columns)
    return numbers if width == 1 else pa.FixedSizeListArray.from_arrays(numbers, width)


def _answers(classes: tuple[str, ...], values: NDArray[np.float32]) -> dict[str, pa.Array]:
    import pyarrow as pa

    names = classes or ("value",)
    found = values.reshape(-1, len(names))
    return {name: pa.array(found[:, place]) for place, name in enumerate(names)}


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
