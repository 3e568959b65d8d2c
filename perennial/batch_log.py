"""Rows that a job has scored by itself, put into the log of requests, so that monitors judge them.

    from perennial.batch_log import log_batch

    log_batch(scored, model="flights", batch="nightly-2026-03-01")

The job needs what the data plane has: the API with a token that may read, and the folders of blobs
and of requests (`PERENNIAL_BLOB_URL`, `PERENNIAL_REQUEST_LOG_URL`). The files are those that
`serving.log_files` writes.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from perennial.batch_files import BatchFiles
from perennial.batch_rows import BatchInvalid, Scored, check, of_hour
from perennial.blobs import BlobStore
from perennial.client import Client
from perennial.contracts.base import BlobRef
from perennial.contracts.errors import Refused
from perennial.contracts.spec_part import duration
from perennial.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

MOST = 5_000_000
"""Rows of a batch."""
_AT_ONCE = 50_000

__all__ = ["BatchChanged", "BatchInvalid", "Logged", "log_batch"]


class BatchChanged(Refused):
    """A batch was logged before, with other rows."""


@dataclass(frozen=True)
class Logged:
    """What became of a batch.

    Attributes:
        rows: of it.
        version: that has scored them.
        hours: of which they are.
        repeated: it was logged before, and nothing was written.
    """

    rows: int
    version: int
    hours: int
    repeated: bool = False


def log_batch(
    rows: Any,
    *,
    model: str,
    batch: str,
    environment: str = "production",
    version: int | None = None,
    at: datetime | None = None,
    client: Client | None = None,
    settings: Settings | None = None,
) -> Logged:
    """Put rows and answers into the log of requests, all or none; the same batch once.

    Args:
        rows: a frame of pandas or polars, a table of Arrow, or whatever else has Arrow's stream;
            with the columns that the model is asked with; `probability.CLASS` for each of its
            classes, or `prediction` where it predicts numbers; and, where there are such columns,
            `at` (a time with a zone), `request_id` and `entity`.
        model: that has scored them.
        batch: names these rows, once and for all.
        environment: whose monitor judges them.
        version: that has scored them; None: the champion.
        at: when they are of, where they have no column `at`.
        client: of the API; None: as the command line finds it.
        settings: where blobs and the log are; None: from the environment.

    Raises:
        BatchInvalid: a column is missing or holds something else, there are too many rows, or
            their times are none that the log keeps. Nothing was written.
        BatchChanged: the batch was logged before with other rows.
        Refused: the spec keeps no log of requests, or there is no champion.
        ApiError: the API refuses, or does not answer.
        OSError: the log cannot be written; to try again is safe.
    """
    import pyarrow as pa

    found = settings or Settings()
    asked = client or Client.local()
    spec = asked.spec(model)["spec"]
    version, epoch = _champion(asked, model, environment, version)
    scored = _scored(BlobStore(found.blobs), asked.version(model, version)["exported"]["onnx"])
    # a column of a model is the model's, whatever it is called
    table = pa.table(rows)
    if not 0 < table.num_rows <= MOST:
        raise BatchInvalid(f"a batch has 1 to {MOST:,} rows, and {batch!r} has {table.num_rows:,}")
    ready = check(table, scored, batch, at, *_kept(spec, model))
    files = BatchFiles(found.requests, environment, model, batch)
    digest = _digest(ready, version)
    if (known := files.known()) is not None and known["done"]:
        if known["digest"] != digest:
            raise BatchChanged(
                f"batch {batch!r} of {model} was logged before with other rows: give these another "
                f"name, for what was judged stays judged"
            )
        return Logged(known["rows"], version, known["hours"], repeated=True)
    said = {"digest": digest, "rows": ready.num_rows, "done": False}
    files.begin(said)
    hours = 0
    for hour, some in of_hour(ready):
        hours += 1
        for number, first in enumerate(range(0, some.num_rows, _AT_ONCE)):
            part = some.slice(first, _AT_ONCE)
            files.stage(hour, number, scored.logged(part, version, epoch))
    files.publish()
    files.end(said | {"hours": hours, "done": True})
    return Logged(ready.num_rows, version, hours)


def _champion(client: Client, model: str, environment: str, version: int | None) -> tuple[int, int]:
    for each in client.champions(model):
        if each["environment"] == environment and each["version"] is not None:
            return version or each["version"], each["epoch"]
    raise Refused(f"{model} has no champion in {environment}, so nothing of it is judged there")


def _kept(spec: dict[str, Any], model: str) -> tuple[datetime | None, datetime]:
    """The earliest and the latest time of a row."""
    log = spec.get("request_log")
    if log is None:
        raise Refused(f"the spec of {model} keeps no requests: add request_log to it")
    now = datetime.now(UTC)
    # days that are older are removed, unless the spec says that callers tell when requests are of
    oldest = now - duration(log["keep"]) if log["event_time"] == "arrival" else None
    return oldest, now + timedelta(minutes=5)


def _scored(blobs: BlobStore, exported: dict[str, Any]) -> Scored:
    import onnx

    loaded = onnx.load(str(blobs.get(BlobRef.model_validate(exported))), load_external_data=False)
    meta = {each.key: each.value for each in loaded.metadata_props}
    names = [each.name for each in loaded.graph.input]
    return Scored.of(names, json.loads(meta["perennial"]))


def _digest(table: pa.Table, version: int) -> str:
    """Of the values, however they are cut into chunks."""
    hasher = hashlib.sha256(f"{version}".encode())
    for part in table.combine_chunks().to_batches(_AT_ONCE):
        hasher.update(part.serialize())
    return hasher.hexdigest()
