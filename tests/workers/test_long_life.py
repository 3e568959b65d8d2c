"""A model outlives its history: it continues as new between runs, and nobody notices."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from perennial.contracts import ids, lifecycle, monitoring
from perennial.settings import Settings
from tests.replay.commands import replayed
from tests.workers.town import Town, founded
from tests.workflows.house import House, key
from workers.control import WORKFLOWS, control_worker

LONG_LIFE = 80
"""Events after which the server suggests to continue as new; it is 4,096 unless told otherwise."""


@pytest.fixture
async def house(tmp_path_factory: pytest.TempPathFactory, judge: str) -> AsyncIterator[House]:
    folder = tmp_path_factory.mktemp("town")
    limit = f"limit.historyCount.suggestContinueAsNew={LONG_LIFE}"
    async with founded(folder, judge, limit) as town:
        settings = Settings(database_url=_url(town), OPA_URL=judge)
        async with control_worker(town.client, settings) as worker, worker:
            yield town.house()


def _url(town: Town) -> str:
    return town.store.database.url.render_as_string(hide_password=False)


async def test_requests_queue_and_champions_outlive_a_history(house: House) -> None:
    await house.apply()
    request = key()
    first = await house.start(0.8, request=request)
    assert (await house.result(first.run_id)).version == 1

    house.plan.hold("train")
    under_way, waiting = await house.start(0.85), await house.start(0.9)
    await house.plan.reached("train")
    assert waiting.status == "queued"
    lives = [(await house.owner.describe()).run_id]
    while (await house.owner.describe()).history_length < LONG_LIFE:
        await house.apply()
    await house.apply()
    assert (await house.owner.describe()).run_id == lives[0], "not while a run is under way"

    house.plan.release("train")
    assert (await house.result(under_way.run_id)).version == 2
    assert (await house.result(waiting.run_id)).version == 3
    await _continued(house, lives)
    trained = house.plan.calls.count("train")
    assert await house.start(0.8, request=request) == first
    assert house.plan.calls.count("train") == trained == 3
    assert (await house.roll_back("production")).version == 2
    assert (await house.lever(lifecycle.PAUSE)).status == "paused"
    await _continued(house, lives)
    assert (await house.start(0.95)).status == "queued", "it is paused in the next life too"
    assert (await house.lever(lifecycle.RESUME)).status == "active"
    assert await house.start(0.8, request=request) == first
    await _replayed(house, house.owner, lives)
    await _a_monitor_does_too(House(house.client, house.store, house.ml))


async def _a_monitor_does_too(house: House) -> None:
    plan: dict[str, Any] = {"request_log": {}, "monitoring": {"window": "1h"}}
    await house.apply(**plan)
    assert (await house.run(0.8)).version == 1
    id_ = ids.monitor_workflow(house.model, "production")
    monitor: WorkflowHandle[object, object] = house.client.get_workflow_handle(id_)
    lives = [(await monitor.describe()).run_id]
    before = await monitor.query("state", result_type=monitoring.MonitorState)
    assert before.next_start is not None
    await _continued(house, lives, monitor, **plan)
    after = await monitor.query("state", result_type=monitoring.MonitorState)
    assert after == before, "it goes on where it was"
    await _replayed(house, monitor, lives)


async def _continued(
    house: House,
    lives: list[str],
    of: WorkflowHandle[object, object] | None = None,
    **plan: Any,
) -> None:
    """Ask for something again and again, until another life answers."""
    of = house.owner if of is None else of
    assert of is not None
    async with asyncio.timeout(60):
        while (run_id := (await of.describe()).run_id) == lives[-1]:
            await house.apply(**plan)
    lives.append(run_id)


async def _replayed(house: House, of: WorkflowHandle[object, object], lives: list[str]) -> None:
    for life in lives:
        handle: WorkflowHandle[object, object] = house.client.get_workflow_handle(
            of.id, run_id=life
        )
        assert (await replayed(await handle.fetch_history(), WORKFLOWS)).failure is None
