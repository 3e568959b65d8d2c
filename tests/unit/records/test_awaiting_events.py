"""A monitor's look at the log of requests, by the names of its folders."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities import monitoring
from activities.monitoring import MonitoringActivities
from perennial.contracts.errors import Unavailable
from perennial.contracts.monitoring import AwaitEvents, EventsSeen
from perennial.contracts.store import RecordStore


@pytest.fixture
def asking(
    store: RecordStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> MonitoringActivities:
    monkeypatch.setattr(monitoring, "WRITTEN_SECONDS", 0.5)
    return MonitoringActivities(store, f"file://{tmp_path}/log")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log/environment=production/model=flights"


async def test_what_others_still_have_in_memory_is_waited_for(
    asking: MonitoringActivities, log: Path
) -> None:
    began, day = time.monotonic(), datetime(2026, 1, 2, tzinfo=UTC)
    for hour in ("03", "05"):
        (log / f"date=2026-01-02/hour={hour}").mkdir(parents=True)
    due = AwaitEvents(model="flights", environment="production", due=day.replace(hour=4))
    seen = await asyncio.wait_for(ActivityEnvironment().run(asking.await_events, due), 20)
    assert time.monotonic() - began >= 0.5 and seen.newest == day.replace(hour=5)
    some = due.model_copy(update={"due": None})
    seen = await asyncio.wait_for(ActivityEnvironment().run(asking.await_events, some), 20)
    assert (seen.oldest, seen.newest) == (day.replace(hour=3),) * 2, "nobody waited for the later"


async def test_it_waits_until_the_log_is_so_far(asking: MonitoringActivities, log: Path) -> None:
    environment, looked = ActivityEnvironment(), asyncio.Event()
    environment.on_heartbeat = lambda *_: looked.set()
    due = AwaitEvents(
        model="flights", environment="production", due=datetime(2026, 1, 2, 3, tzinfo=UTC)
    )
    waiting = asyncio.create_task(environment.run(asking.await_events, due))
    await asyncio.wait_for(looked.wait(), 20)
    (log / "date=2026-01-01").mkdir(parents=True)
    looked.clear()
    await asyncio.wait_for(looked.wait(), 20)
    assert not waiting.done(), "that day has no hours yet"
    (log / "date=2026-01-01/hour=23").mkdir()
    looked.clear()
    await asyncio.wait_for(looked.wait(), 20)
    assert not waiting.done(), "that hour is before the one that is due"
    (log / "date=2026-01-02/hour=03").mkdir(parents=True)
    seen: EventsSeen = await asyncio.wait_for(waiting, 20)
    assert seen.oldest == datetime(2026, 1, 1, 23, tzinfo=UTC)
    assert seen.newest == datetime(2026, 1, 2, 3, tzinfo=UTC)


async def test_a_worker_that_stops_waits_no_longer(asking: MonitoringActivities) -> None:
    environment, looked = ActivityEnvironment(), asyncio.Event()
    environment.on_heartbeat = lambda *_: looked.set()
    some = AwaitEvents(model="flights", environment="production")
    waiting = asyncio.create_task(environment.run(asking.await_events, some))
    await asyncio.wait_for(looked.wait(), 20)
    environment.worker_shutdown()
    with pytest.raises(Unavailable, match="this worker shuts down"):
        await asyncio.wait_for(waiting, 20)
