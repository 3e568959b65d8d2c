"""A month of a model that is really monitored: what its monitor's history grows by.

The month is judged as after a standstill, window after window, with requests in each: so it takes
minutes, and goes through every continuation. What waiting adds to a window is taken from one whose
windows are so short that they are waited for here.
"""

from __future__ import annotations

import asyncio
import os
import time
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from temporalio.client import Client

from benchmarks.monitoring.fleet import HOUR, Fleet, hold_rounds, reconcile
from benchmarks.results import Row, row
from infra.stack import Stack
from perennial.contracts import ids
from perennial.plugin import PerennialPlugin
from perennial.windows import start_of

HOURS = "PERENNIAL_BENCH_HOURS"
_HOURS = 30 * 24
_ROWS = 500
"""Of a window: drift is judged from so many on."""
_SHORT = timedelta(seconds=10)
_WAITED_FOR = 4
_PATIENCE = 1800.0


class _Grown(NamedTuple):
    runs: int
    events: int
    bytes: int


async def rows(stack: Stack) -> list[Row]:
    """Rows: events and bytes of a window and of a month, and how often the monitor went on as new.

    Args:
        stack: one that runs, with `temporal`, `opa`, `control` and `ml`.
    """
    hours = int(os.environ.get(HOURS, _HOURS))
    client = await Client.connect(stack.urls["temporal"], plugins=[PerennialPlugin()])
    fleet = Fleet(stack, _ROWS)
    try:
        await hold_rounds(client, True)
        month, seconds = await _caught_up(client, fleet, hours)
        waited = await _waited_for(client, fleet)
    finally:
        fleet.store.close()
    by = f"{hours} hourly windows"
    return [
        row("history of a window that was waited for", waited.events / _WAITED_FOR, "events"),
        row("history of a window that was waited for", waited.bytes / _WAITED_FOR / 1000, "kB"),
        row("history of a window that was caught up", month.events / hours, "events"),
        row("history of a window that was caught up", month.bytes / hours / 1000, "kB"),
        row(f"{by} caught up, runs of the monitor", month.runs, "runs"),
        row(f"{by} caught up, one monitor", hours / seconds * 60, "1/min"),
        row(
            f"history of a monitored model, {by} waited for",
            hours * waited.events / _WAITED_FOR,
            "events",
        ),
        row(
            f"history of a monitored model, {by} waited for",
            hours * waited.bytes / _WAITED_FOR / 1e6,
            "MB",
        ),
    ]


async def _caught_up(client: Client, fleet: Fleet, hours: int) -> tuple[_Grown, float]:
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    since = until - hours * HOUR
    await fleet.apply(client, "month", window="1h", lateness="1s", catch_up=1000)
    for number in range(hours):
        fleet.log("month", since + number * HOUR + timedelta(minutes=1))
    fleet.crown("month", since + timedelta(seconds=1))
    began, crowned = time.perf_counter(), datetime.now(UTC)
    await reconcile(client)
    await _until_judged(fleet, until, hours)
    seconds = time.perf_counter() - began
    return await _grown(client, "month", crowned), seconds


async def _waited_for(client: Client, fleet: Fleet) -> _Grown:
    """What so many windows add that came one after another, by the clock."""
    there, _ = fleet.judged(datetime.max.replace(tzinfo=UTC))
    await fleet.apply(client, "short", window=f"{_SHORT.seconds}s", lateness="1s")
    now = datetime.now(UTC)
    first = start_of(now, _SHORT)
    for number in range(60 // _SHORT.seconds * 2):
        fleet.log("short", first + number * _SHORT + timedelta(milliseconds=1))
    fleet.crown("short", now)
    await reconcile(client)
    grown = []
    for count in (1, 1 + _WAITED_FOR):
        await _until_judged(fleet, datetime.max.replace(tzinfo=UTC), there + count)
        await asyncio.sleep(1)  # until it waits for the next one
        grown.append(await _grown(client, "short", now))
    before, after = grown
    return _Grown(0, after.events - before.events, after.bytes - before.bytes)


async def _until_judged(fleet: Fleet, until: datetime, count: int) -> None:
    began = time.perf_counter()
    while (counts := fleet.judged(until))[0] < count:
        if time.perf_counter() - began > _PATIENCE:
            raise RuntimeError(f"{counts[0]:,} of {count:,} windows were judged")
        await asyncio.sleep(0.1)
    if counts[1] < counts[0]:
        raise RuntimeError(f"{counts[0] - counts[1]} windows were judged without requests")


async def _grown(client: Client, model: str, since: datetime) -> _Grown:
    """The monitor's histories, whichever run they are of; but for the one that found no champion
    yet when the spec was applied, and ended."""
    id_ = ids.monitor_workflow(model, "production")
    runs = [
        found
        async for found in client.list_workflows(f"WorkflowId = '{id_}'")
        if found.start_time >= since
    ]
    infos = [
        (
            await client.get_workflow_handle(id_, run_id=run.run_id).describe()
        ).raw_description.workflow_execution_info
        for run in runs
    ]
    return _Grown(
        len(infos),
        sum(info.history_length for info in infos),
        sum(info.history_size_bytes for info in infos),
    )
