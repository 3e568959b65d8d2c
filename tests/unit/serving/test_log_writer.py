"""The log of requests, written by a process of its own."""

from __future__ import annotations

from pathlib import Path

import psutil
import pyarrow.dataset as ds

from perennial.blobs import BlobStore
from perennial.contracts.request_log import RequestLog
from serving.counting import Counting
from serving.desk import Desk
from serving.log_writer import LogWriter
from tests.unit.serving.running import PIXELS, PREDICT, ROW, Put, deployment, served


async def test_a_process_writes_and_another_takes_its_place(
    blobs: BlobStore, put: Put, tmp_path: Path
) -> None:
    files = LogWriter(f"file://{tmp_path / 'requests'}", "p1")
    desk, counting = Desk(blobs, files.load), Counting()
    known = set(psutil.Process().children())
    now = deployment(put, entity="x-customer")
    await desk.take(now.model_copy(update={"log": RequestLog()}))
    [first] = set(psutil.Process().children()) - known
    async with served(desk, counting, files) as client:
        asked = [{**ROW, "size": None, "colour": "gr\u00fcn"}, ROW]
        await client.post(PREDICT, json={"instances": asked}, headers={b"x-customer": b"\xff"})
        first.kill()
    assert (counting.tallies()[0].lost, counting.tallies()[0].logged) == (2, 0)
    async with served(desk, counting, files) as client:
        await client.post(PREDICT, json={"instances": asked}, headers={b"x-customer": b"\xff"})
        await client.post(PREDICT, json={"instances": [ROW]}, headers={"x-request-id": "mine"})
    assert set(psutil.Process().children()) <= known, "it ends with the app"
    [tally] = counting.tallies()
    assert (tally.lost, tally.logged) == (2, 3)
    found = ds.dataset(tmp_path / "requests", format="parquet").to_table().to_pylist()
    assert [each["inputs"] for each in found] == [
        {"size": None, "pixels": PIXELS, "colour": "gr\u00fcn"},
        *[{"size": 1.5, "pixels": PIXELS, "colour": "red"}] * 2,
    ]
    assert [each["entity"] for each in found] == ["\ufffd", "\ufffd", None]
    assert [each["row"] for each in found] == [0, 1, 0] and found[2]["request_id"] == "mine"


async def test_a_page_may_be_more_than_a_socket_takes_at_once(
    blobs: BlobStore, put: Put, tmp_path: Path
) -> None:
    files = LogWriter(f"file://{tmp_path / 'requests'}", "p1")
    desk, counting = Desk(blobs, files.load), Counting()
    now = deployment(put, entity="x" * 1_000_000)  # each page says of which deployment it is
    await desk.take(now.model_copy(update={"log": RequestLog()}))
    async with served(desk, counting, files) as client:
        await client.post(PREDICT, json={"instances": [ROW]})
    [tally] = counting.tallies()
    assert (tally.lost, tally.logged) == (0, 1)
