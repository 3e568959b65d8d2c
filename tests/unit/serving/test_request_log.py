"""The log of requests: what was asked, what was answered, by whom, and what became of it."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from perennial.contracts.request_log import RequestLog
from perennial.contracts.serving import WHOLE, Deployment, Variant
from serving import logbook
from serving.counting import Counting
from serving.desk import Desk
from serving.log_files import LogFiles
from serving.pages import Page
from tests.unit.serving.running import PIXELS, PREDICT, ROW, Put, deployment, served
from tests.workflows.waiting import until


@pytest.fixture
def files(tmp_path: Path) -> LogFiles:
    return LogFiles(f"file://{tmp_path / 'requests'}", "p1")


def logged(served_before: Deployment, **log: Any) -> Deployment:
    return served_before.model_copy(update={"log": RequestLog(**log)})


def rows(tmp_path: Path) -> list[dict[str, Any]]:
    """All that is in the log, as it came."""
    found = ds.dataset(tmp_path / "requests", partitioning="hive", format="parquet")
    # files of requests that failed have no answers, and need not be the ones that are looked at
    schemas = [fragment.physical_schema for fragment in found.get_fragments()]
    whole = pa.unify_schemas([found.schema, *schemas])
    table = ds.dataset(
        tmp_path / "requests", schema=whole, partitioning="hive", format="parquet"
    ).to_table()
    return sorted(table.to_pylist(), key=lambda row: (row["at"], row["row"]))


async def test_what_was_asked_and_answered_is_kept(
    desk: Desk, put: Put, files: LogFiles, tmp_path: Path
) -> None:
    before, counting = datetime.now(UTC), Counting()
    await desk.take(logged(deployment(put, entity="x-customer")))
    async with served(desk, counting, files) as client:
        for customer in ("a", "b"):
            answer = await client.post(
                PREDICT,
                json={"instances": [ROW, {**ROW, "size": None, "colour": 3}]},
                headers={"x-customer": customer, "x-request-id": f"of-{customer}"},
            )
        await client.post(PREDICT, json={"instances": [{**ROW, "p0": 5000}]})
        await client.post(PREDICT, json={"instances": [ROW]}, headers={"x-variant": "champion"})
        await client.post(PREDICT, json={"instances": [{}]})
    first, second, *_, failed, tester = found = rows(tmp_path)
    assert len(found) == 6, "what could not be read is no request of the model's"
    assert [row["request_id"] for row in found[:4]] == ["of-a", "of-a", "of-b", "of-b"]
    assert [row["row"] for row in found[:4]] == [0, 1, 0, 1]
    assert (first["entity"], found[2]["entity"], failed["entity"]) == ("a", "b", None)
    assert first["inputs"] == {"size": 1.5, "pixels": PIXELS, "colour": "red"}
    assert second["inputs"]["size"] is None and second["inputs"]["colour"] == "3"
    likely = answer.json()["predictions"][0]["probabilities"]
    assert first["answer"] == pytest.approx(likely) and failed["answer"] is None
    assert (first["variant"], first["version"], first["epoch"]) == ("champion", 1, 1)
    assert before <= first["at"] <= datetime.now(UTC) and 0 < first["seconds"] < 30
    assert (first["named"], tester["named"], first["copy"]) == (False, True, False)
    assert (first["model"], first["environment"]) == ("flights", "production")
    [tally] = counting.tallies()
    assert (tally.logged, tally.lost) == (6, 0)
    [one, *_] = sorted((tmp_path / "requests").rglob("*.parquet"))
    said = json.loads(pq.read_schema(one).metadata[b"perennial"])
    assert said == {"vectors": {"pixels": ["p0", "p1", "p2"]}, "classes": ["late", "on time"]}


async def test_a_copy_stands_beside_its_request(
    desk: Desk, put: Put, files: LogFiles, tmp_path: Path
) -> None:
    champion = Variant(name="champion", version=1, onnx=put(20), weight=WHOLE)
    control = champion.model_copy(update={"name": "control", "weight": 0})
    challenger = Variant(name="challenger", version=2, onnx=put(-20), weight=0, shadow=WHOLE)
    await desk.take(
        logged(deployment(put)).model_copy(update={"variants": (challenger, champion, control)})
    )
    async with served(desk, files=files) as client:
        await client.post(PREDICT, json={"instances": [ROW]})
    ours, theirs = sorted(rows(tmp_path), key=lambda row: row["copy"])
    assert (ours["variant"], theirs["variant"]) == ("champion", "challenger")
    assert ours["request_id"] == theirs["request_id"] and ours["inputs"] == theirs["inputs"]
    assert ours["answer"]["late"] > 0.9 > 0.1 > theirs["answer"]["late"]


async def test_a_share_is_kept_and_without_a_plan_nothing_is(
    desk: Desk, put: Put, files: LogFiles, tmp_path: Path
) -> None:
    await desk.take(deployment(put))
    async with served(desk, files=files) as client:
        await client.post(PREDICT, json={"instances": [ROW]})
        assert not (tmp_path / "requests").exists()
        # the spec changes, and nothing else: the deployment keeps its epoch
        assert not await desk.take(logged(deployment(put), share=0.25))
        for _ in range(300):
            await client.post(PREDICT, json={"instances": [ROW]})
    assert 30 < len(rows(tmp_path)) < 130


async def test_what_finds_no_room_is_lost_and_counted(
    desk: Desk, put: Put, files: LogFiles, tmp_path: Path
) -> None:
    await desk.take(logged(deployment(put)))
    counting, large = Counting(), {**ROW, "colour": "red" * 100}
    async with served(desk, counting, files, log_bytes=600) as client:
        for row in (ROW, large, ROW):
            assert (await client.post(PREDICT, json={"instances": [row]})).status_code == 200
    [tally] = counting.tallies()
    assert (tally.requests, tally.logged, tally.lost) == (3, 2, 1) and len(rows(tmp_path)) == 2


async def test_a_half_is_written_once_it_is_full(
    desk: Desk, put: Put, files: LogFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook, "WAITING_SECONDS", 600)
    await desk.take(logged(deployment(put)))
    counting = Counting()
    async with served(desk, counting, files, log_bytes=600) as client:
        for number in range(8):  # three of them fill a half
            await client.post(PREDICT, json={"instances": [ROW]})
            await until(lambda: counting.tallies()[0].logged == number // 3 * 3)  # noqa: B023
    assert (counting.tallies()[0].logged, counting.tallies()[0].lost) == (8, 0)


async def test_what_needs_most_of_a_half_is_kept_in_the_other_one(
    desk: Desk, put: Put, files: LogFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook, "WAITING_SECONDS", 600)
    await desk.take(logged(deployment(put)))
    counting, large = Counting(), {**ROW, "colour": "red" * 60}
    async with served(desk, counting, files, log_bytes=600) as client:
        for row in (ROW, large):
            await client.post(PREDICT, json={"instances": [row]})
        await until(lambda: counting.tallies()[0].logged == 1)
    assert (counting.tallies()[0].logged, counting.tallies()[0].lost) == (2, 0)
    assert {len(row["inputs"]["colour"]) for row in rows(tmp_path)} == {3, 180}


async def test_hours_that_are_over_are_written_at_once(
    desk: Desk, put: Put, files: LogFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook, "WAITING_SECONDS", 600)
    await desk.take(logged(deployment(put), event_time="header", keep="3650d"))
    counting = Counting()
    async with served(desk, counting, files) as client:

        async def ask(at: str, times: int = 1) -> None:
            for _ in range(times):
                headers = {"x-event-time": f"2026-01-05T{at}Z"}
                await client.post(PREDICT, json={"instances": [ROW]}, headers=headers)

        await ask("08:00:00")
        await until(lambda: counting.tallies()[0].logged == 1)
        await ask("08:59:59", 3)
        await ask("07:00:00")
        await ask("09:00:00")
        await until(lambda: counting.tallies()[0].logged == 6)
        await ask("09:30:00")
        assert counting.tallies()[0].logged == 6, "that hour is not over"
    assert len(rows(tmp_path)) == 7


class Slow(LogFiles):
    """A disk that keeps one waiting until it is told to go on."""

    def __init__(self, url: str) -> None:
        super().__init__(url, "p1")
        self.began, self.go_on = Event(), Event()

    def write(self, page: Page) -> None:
        self.began.set()
        assert self.go_on.wait(30)
        super().write(page)


async def test_one_half_is_filled_while_the_other_is_written(
    desk: Desk, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logbook, "WAITING_SECONDS", 0.01)
    files, counting = Slow(f"file://{tmp_path / 'requests'}"), Counting()
    await desk.take(logged(deployment(put)))
    async with served(desk, counting, files, log_bytes=600) as client:

        async def ask(number: int) -> None:
            row = {**ROW, "size": number}
            await client.post(PREDICT, json={"instances": [row]})

        await ask(1)
        assert await asyncio.to_thread(files.began.wait, 30)
        for number in range(2, 6):  # three find room in the other half
            await ask(number)
        assert counting.tallies()[0].lost == 1
        files.go_on.set()
        await until(lambda: counting.tallies()[0].logged == 4)
        await ask(6)
    assert [row["inputs"]["size"] for row in rows(tmp_path)] == [1, 2, 3, 4, 6]
    assert (counting.tallies()[0].logged, counting.tallies()[0].lost) == (5, 1)


async def test_a_log_that_cannot_be_written_costs_no_answer(
    desk: Desk, put: Put, tmp_path: Path
) -> None:
    (tmp_path / "requests").write_text("no folder")
    await desk.take(logged(deployment(put)))
    counting = Counting()
    async with served(desk, counting, LogFiles(f"file://{tmp_path / 'requests'}", "p1")) as client:
        assert (await client.post(PREDICT, json={"instances": [ROW]})).status_code == 200
    [tally] = counting.tallies()
    assert (tally.requests, tally.logged, tally.lost) == (1, 0, 1)


async def test_days_that_are_too_old_are_removed(
    desk: Desk, put: Put, files: LogFiles, tmp_path: Path
) -> None:
    folder = tmp_path / "requests" / "environment=production" / "model=flights"
    for day in ("2020-01-01", f"{datetime.now(UTC):%Y-%m-%d}"):
        (folder / f"date={day}" / "hour=00").mkdir(parents=True)
    await desk.take(logged(deployment(put), keep="7d"))
    async with served(desk, files=files) as client:
        await client.post(PREDICT, json={"instances": [ROW]})
    assert [day.name for day in folder.iterdir()] == [f"date={datetime.now(UTC):%Y-%m-%d}"]
