"""A monitor's look at the log of requests, by the names of its folders."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.monitoring import MonitoringActivities
from perennial.contracts.errors import Unavailable
from perennial.contracts.monitoring import AwaitEvents, EventsSeen
from perennial.contracts.store import RecordStore


@pytest.fixture
def asking(store: RecordStore, tmp_path: Path) -> MonitoringActivities:
    return MonitoringActivities(store, f"file://{tmp_path}/log")


async def test_it_waits_until_the_log_is_so_far(
    asking: MonitoringActivities, tmp_path: Path
) -> None:
    environment, looked = ActivityEnvironment(), asyncio.Event()
    environment.on_heartbeat = lambda *_: looked.set()
    due = AwaitEvents(
        model="flights", environment="production", due=datetime(2026, 1, 2, 3, tzinfo=UTC)
    )
    waiting = asyncio.create_task(environment.run(asking.await_events, due))
    log = tmp_path / "log/environment=production/model=flights"
    await asyncio.wait_for(looked.wait(), 20)
    (log / "date=2026-01-01/hour=23").mkdir(parents=True)
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
