"""New code beside old: a run ends on the build it began on, its model goes on on the new one."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from perennial.contracts import lifecycle
from tests.servers import program
from tests.workers.town import Town, founded
from tests.workflows.house import House

GUIDE = Path("docs/guides/changing-workflows.md")
OLD, NEW = "2026-11-24-a1b2c3d", "2026-11-25-d4e5f6a"
LONG_LIFE = 100
"""Events after which the server suggests to continue as new."""


@pytest.fixture
async def town(tmp_path_factory: pytest.TempPathFactory, judge: str) -> AsyncIterator[Town]:
    """Where the server looks every second, and not every three minutes, what has drained."""
    async with founded(
        tmp_path_factory.mktemp("town"),
        judge,
        'matching.wv.VersionDrainageStatusRefreshInterval="1s"',
        'matching.wv.VersionDrainageStatusVisibilityGracePeriod="1s"',
        f"limit.historyCount.suggestContinueAsNew={LONG_LIFE}",
    ) as town:
        yield town


async def test_a_run_ends_on_its_build_and_its_model_goes_on_on_the_new_one(town: Town) -> None:
    old = await town.control(PERENNIAL_BUILD_ID=OLD).polls()
    await _succeeds(town, "set-current-version", OLD)
    house = town.house()
    house.plan.hold("train")
    await house.apply()
    began = await house.start()
    await house.plan.reached("train")
    assert await _build(house.owner) == OLD
    first_life = (await house.owner.describe()).run_id

    await town.control(PERENNIAL_BUILD_ID=NEW).polls()
    await _succeeds(town, "set-current-version", NEW)
    assert (await house.lever(lifecycle.PAUSE)).status == "paused"
    assert (await house.lever(lifecycle.RESUME)).status == "active"
    assert await _build(house.owner) == NEW
    other = town.house()
    await other.apply()
    anew = await other.run(0.9)
    assert await _build(other.run_handle(anew.run_id)) == NEW
    await _until(town, OLD, "draining")

    house.plan.release("train")
    assert (await house.result(began.run_id)).outcome == "promoted"
    assert await _build(house.run_handle(began.run_id)) == OLD
    await _until(town, OLD, "drained")
    old.terminate()
    assert await old.ended() == 0
    await _until_continued(house, first_life)
    assert (await house.run(0.9)).outcome == "promoted"
    assert await _build(house.owner) == NEW


async def _until_continued(house: House, run_id: str) -> None:
    async with asyncio.timeout(60):
        while (await house.owner.describe()).run_id == run_id:
            await house.apply()


async def _build(handle: WorkflowHandle[Any, Any]) -> str:
    info = (await handle.describe()).raw_description.workflow_execution_info
    build: str = info.versioning_info.deployment_version.build_id
    return build


# it learns of a worker's queues, for workflows and for activities, one after the other
_NOT_YET = r"(?i)not found|no (active )?pollers|missing active task queue"


async def _succeeds(town: Town, command: str, build: str) -> None:
    """The server learns of a build when its worker first polls, soon after it says so."""
    async with asyncio.timeout(60):
        while (done := await _temporal(town, command, build)).returncode:
            assert re.search(_NOT_YET, done.stderr), done.stderr
            await asyncio.sleep(0.2)


async def _until(town: Town, build: str, drainage: str) -> None:
    """The server looks at what has drained from time to time."""
    async with asyncio.timeout(60):
        while True:
            done = await _temporal(town, "describe-version", build, "--output", "json")
            found = json.loads(done.stdout)["drainageInfo"] if done.returncode == 0 else {}
            if found.get("drainageStatus") == drainage:
                return
            await asyncio.sleep(0.2)


async def _temporal(
    town: Town, command: str, build: str, *more: str
) -> subprocess.CompletedProcess[str]:
    """As the guide writes it."""
    written = re.findall(rf"^temporal (worker deployment {command} .*)$", GUIDE.read_text(), re.M)
    arguments = written[0].replace("BUILD", build).split()
    env = {**os.environ, "TEMPORAL_ADDRESS": town.client.service_client.config.target_host}
    return await asyncio.to_thread(
        subprocess.run,
        [program("temporal"), *arguments, *more],
        env=env,
        capture_output=True,
        text=True,
    )
