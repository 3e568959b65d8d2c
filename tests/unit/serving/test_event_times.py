"""Requests are of the moment that their callers say, where the spec has it so."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from perennial.contracts.request_log import EventTime, RequestLog
from serving.counting import Counting
from serving.desk import Desk
from serving.log_files import LogFiles
from tests.unit.serving.running import INFER, PREDICT, ROW, Put, deployment, served

PROTOCOL = {
    "inputs": [
        {"name": "size", "datatype": "FP32", "shape": [1, 1], "data": [1.5]},
        {"name": "colour", "datatype": "BYTES", "shape": [1, 1], "data": ["red"]},
        {"name": "pixels", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]},
    ]
}


async def serve_by(desk: Desk, put: Put, event_time: EventTime) -> None:
    both = deployment(put, champion=9999, other=1)
    log = RequestLog(event_time=event_time, keep="30d")
    await desk.take(both.model_copy(update={"log": log}))


def logged(folder: Path) -> list[tuple[datetime, str]]:
    """When each request was, and the folder of its hour."""
    found = []
    for path in folder.rglob("*.parquet"):
        table = ds.dataset(path, format="parquet").to_table(["at"])
        found += [(at, "/".join(path.parts[-3:-1])) for at in table["at"].to_pylist()]
    return sorted(found)


async def test_the_header_says_of_when_a_request_is(desk: Desk, put: Put, tmp_path: Path) -> None:
    log, before = tmp_path / "requests", datetime.now(UTC)
    soon = before + timedelta(minutes=4)
    await serve_by(desk, put, "header")
    async with served(desk, files=LogFiles(f"file://{log}", "p1")) as client:
        for told in ("2013-01-01T05:17:00-05:00", "2013-01-31t23:59:59.25z", f"{soon:%FT%TZ}"):
            answer = await client.post(
                PREDICT, json={"instances": [ROW, ROW]}, headers={"x-event-time": told}
            )
            assert answer.status_code == 200
        asked = await client.post(
            INFER, json=PROTOCOL, headers={"x-event-time": "2013-01-01T10:59:59Z"}
        )
        assert asked.status_code == 200
        await client.post(PREDICT, json={"instances": [ROW]})
    found = logged(log)
    ten, night = "date=2013-01-01/hour=10", "date=2013-01-31/hour=23"
    assert found[:5] == [
        (datetime(2013, 1, 1, 10, 17, tzinfo=UTC), ten),
        (datetime(2013, 1, 1, 10, 17, tzinfo=UTC), ten),
        (datetime(2013, 1, 1, 10, 59, 59, tzinfo=UTC), ten),
        *[(datetime(2013, 1, 31, 23, 59, 59, 250_000, tzinfo=UTC), night)] * 2,
    ]
    assert before <= found[5][0] <= datetime.now(UTC), "without the header it is of its arrival"
    assert [at for at, _ in found[6:]] == [soon.replace(microsecond=0)] * 2


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("yesterday", "is no time with a zone"),
        ("", "is no time with a zone"),
        ("2024-05-01", "is no time with a zone"),
        ("2024-05-01T12:00:00", "is no time with a zone"),
        ("2024-02-30T12:00:00Z", "is no time with a zone"),
        ("2024-W18-3T12:00:00Z", "is no time with a zone"),
        ("1714564800", "is no time with a zone"),
        ("1969-12-31T23:59:59Z", "is before 1970"),
        ("9999-12-31T23:59:59Z", "s from now, and 300 s are taken"),
        ("{soon}", "s from now, and 300 s are taken"),
    ],
)
async def test_a_time_that_is_none_or_to_come_is_refused(
    desk: Desk, put: Put, tmp_path: Path, told: str, said: str
) -> None:
    log, counting = tmp_path / "requests", Counting()
    told = told.format(soon=f"{datetime.now(UTC) + timedelta(minutes=5, seconds=30):%FT%TZ}")
    await serve_by(desk, put, "header")
    async with served(desk, counting, LogFiles(f"file://{log}", "p1")) as client:
        answer = await client.post(
            PREDICT, json={"instances": [ROW]}, headers={"x-event-time": told}
        )
    assert answer.status_code == 400 and said in answer.json()["error"]
    assert "x-event-time" in answer.json()["error"]
    assert not counting.tallies() and not log.exists(), "nothing was computed"


async def test_it_means_nothing_where_the_spec_says_arrival(
    desk: Desk, put: Put, tmp_path: Path
) -> None:
    log, before = tmp_path / "requests", datetime.now(UTC)
    await serve_by(desk, put, "arrival")
    async with served(desk, files=LogFiles(f"file://{log}", "p1")) as client:
        for told in ("2013-01-01T05:17:00Z", "yesterday"):
            answer = await client.post(
                PREDICT, json={"instances": [ROW]}, headers={"x-event-time": told}
            )
            assert answer.status_code == 200
    assert all(before <= at <= datetime.now(UTC) for at, _ in logged(log))


async def test_old_days_that_were_written_lately_are_kept(
    desk: Desk, put: Put, tmp_path: Path
) -> None:
    """A year that is sent again is not removed because it is old; what lies here for long is."""
    log = tmp_path / "requests"
    await serve_by(desk, put, "header")

    async def ask(process: str, *days: str) -> set[str]:
        async with served(desk, files=LogFiles(f"file://{log}", process)) as client:
            for day in days:
                told = {"x-event-time": f"{day}T12:00:00Z"} if day else {}
                await client.post(PREDICT, json={"instances": [ROW]}, headers=told)
        return {at.date().isoformat() for at, _ in logged(log) if at.year == 2013}

    both = {"2013-01-01", "2013-12-31"}
    assert await ask("p1", *both, "") == both
    for path in log.rglob("date=2013-01-01/*/*.parquet"):
        os.utime(path, times=(0, 0))
    assert await ask("p2", "") == {"2013-12-31"}
