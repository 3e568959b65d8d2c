"""Requests as Parquet files: `environment=.../model=.../date=.../hour=.../PROCESS-NUMBER.parquet`.

A row of a request is a row of a file. `inputs` and `answer` are structs, so that no column of a
model can be mistaken for one of ours; a vector of columns is a list, whose names are in the file's
metadata.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np

from perennial.contracts.spec_part import duration

if TYPE_CHECKING:
    import pyarrow as pa

    from serving.logbook import Kept
    from serving.model import Input, Model

_Key = tuple[str, str, int, bool, int]


class LogFiles:
    """Files of one process under an fsspec URL."""

    def __init__(self, url: str, process: str) -> None:
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = root.rstrip("/")
        self._process = process
        self._numbers = count(1)
        self._cleared: dict[str, str] = {}

    def write(self, some: Iterable[Kept]) -> None:
        """Write requests, a file for each version and hour.

        Raises:
            OSError, or the store's own errors: nothing of the file that failed is left.
        """
        groups: dict[_Key, list[Kept]] = defaultdict(list)
        for kept in some:
            of, failed, hour = kept.deployment, kept.answer is None, int(kept.at) // 3600
            groups[of.environment, of.model, kept.variant.version, failed, hour].append(kept)
        for (environment, model, _, _, hour), together in groups.items():
            folder = f"{self._root}/environment={environment}/model={model}"
            self._put(folder, datetime.fromtimestamp(hour * 3600, UTC), _table(together))
            self._clear(folder, together[0])

    def _put(self, folder: str, hour: datetime, table: pa.Table) -> None:
        import pyarrow.parquet as pq

        folder = f"{folder}/date={hour:%Y-%m-%d}/hour={hour:%H}"
        self._fs.makedirs(folder, exist_ok=True)
        path = f"{folder}/{self._process}-{next(self._numbers):06}.parquet"
        # a reader never sees half a file: what begins with a dot is none
        partial = f"{folder}/.{self._process}.partial"
        with self._fs.open(partial, "wb") as file:
            pq.write_table(table, file, compression="zstd")
        self._fs.mv(partial, path)

    def _clear(self, folder: str, kept: Kept) -> None:
        """Remove days that are older than the spec keeps them, once a day."""
        today = f"{datetime.now(UTC):%Y-%m-%d}"
        log = kept.deployment.log
        if log is None or self._cleared.get(folder) == today:
            return
        self._cleared[folder] = today
        oldest = f"{datetime.now(UTC) - duration(log.keep) - timedelta(days=1):%Y-%m-%d}"
        for path in self._fs.ls(folder, detail=False):
            day = path.rstrip("/").rpartition("date=")[2]
            if day < oldest:
                self._fs.rm(path, recursive=True)


def _table(some: list[Kept]) -> pa.Table:
    """Requests of one version, all answered or all failed."""
    import pyarrow as pa

    model = some[0].model
    sizes = np.array([kept.rows for kept in some])
    first = np.cumsum(sizes) - sizes

    def each(values: list[Any]) -> Any:
        """A value of a request, for each of its rows."""
        return np.repeat(np.array(values), sizes) if len(sizes) < sizes.sum() else values

    columns: dict[str, Any] = {
        "at": pa.array(each([int(kept.at * 1e6) for kept in some]), pa.timestamp("us", "UTC")),
        "request_id": pa.array(each([_text(kept.request_id) for kept in some]), pa.string()),
        "row": pa.array(np.arange(sizes.sum()) - np.repeat(first, sizes), pa.int32()),
        "variant": pa.array(each([kept.variant.name for kept in some])).dictionary_encode(),
        "version": pa.array(each([kept.variant.version for kept in some]), pa.int32()),
        "epoch": pa.array(each([kept.deployment.epoch for kept in some]), pa.int32()),
        "copy": pa.array(each([kept.copy for kept in some]), pa.bool_()),
        "named": pa.array(each([kept.named for kept in some]), pa.bool_()),
        "entity": pa.array(each([_text(kept.entity) for kept in some]), pa.string()),
        "seconds": pa.array(each([kept.seconds for kept in some]), pa.float32()),
        "inputs": _struct({i.name: _input(i, some) for i in model.inputs}),
    }
    if some[0].answer is not None:
        columns["answer"] = _struct(_answers(model, some))
    vectors = {i.name: i.columns for i in model.inputs if len(i.columns) > 1}
    said = {"perennial": json.dumps({"vectors": vectors, "classes": model.classes})}
    return pa.table(columns).replace_schema_metadata(said)


def _struct(columns: dict[str, pa.Array]) -> pa.Array:
    import pyarrow as pa

    return pa.StructArray.from_arrays(list(columns.values()), names=list(columns))


def _input(each: Input, some: list[Kept]) -> pa.Array:
    import pyarrow as pa

    values = np.concatenate([kept.inputs[each.name] for kept in some]).reshape(-1)
    if each.text:
        return pa.array(values, pa.string())
    numbers = pa.array(values, pa.float32(), from_pandas=True)
    width = len(each.columns)
    return numbers if width == 1 else pa.FixedSizeListArray.from_arrays(numbers, width)


def _answers(model: Model, some: list[Kept]) -> dict[str, pa.Array]:
    import pyarrow as pa

    values = np.concatenate([kept.answer for kept in some if kept.answer is not None])
    names = model.classes or ("value",)
    return {name: pa.array(values[:, place]) for place, name in enumerate(names)}


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "replace")
