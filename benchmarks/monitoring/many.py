"""Five hundred monitored models on this machine: windows a minute, and what they cost while they
wait. The stack's own processes do all of it: Temporal, both workers, OPA. MLflow and Ray are away:
nothing here is trained or registered.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.client import Client

from benchmarks.monitoring.fleet import COLUMNS, HOUR, Fleet, hold_rounds, reconcile
from benchmarks.processes import cpu_seconds, memory
from benchmarks.results import Row, row
from infra.stack import Stack
from perennial.contracts import ids, monitoring
from perennial.plugin import PerennialPlugin

MODELS = "PERENNIAL_BENCH_MODELS"
_MODELS = 500
_WINDOWS = 1
_ROWS = 1000
_AT_ONCE = 20
_FIRST = "first-of-all"
"""Its windows load the libraries."""
_IDLE_SECONDS = 60
"""One round of the platform's upkeep comes in it."""
_SETTLED = 10.0
"""Seconds after which whatever was asked for is done: five hundred looks take less than four."""
_PATIENCE = 900.0
_SERVICES = ("control", "ml", "temporal")
_PLAN = {"window": "1h", "lateness": "1s", "catch_up": 1000}


def run() -> list[Row]:
    """Rows: windows a minute; memory and idle CPU of each; what one look of a monitor costs."""
    number = int(os.environ.get(MODELS, _MODELS))
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        stack = Stack(Path(folder), Stack.free_ports())
        try:
            stack.up(only=("temporal", "opa", "control", "ml"))
            return asyncio.run(_Measured(stack, number).rows())
        finally:
            stack.down()


class _Measured:
    def __init__(self, stack: Stack, number: int) -> None:
        self._stack, self._number = stack, number
        self._names = [f"model-{each:04}" for each in range(number)]

    async def rows(self) -> list[Row]:
        client = await Client.connect(self._stack.urls["temporal"], plugins=[PerennialPlugin()])
        fleet = Fleet(self._stack, _ROWS)
        try:
            await hold_rounds(client, True)
            await _all(fleet.apply(client, name, **_PLAN) for name in (_FIRST, *self._names))
            await self._judged(client, fleet, [_FIRST])
            await hold_rounds(client, False)
            before = await self._waiting()
            await hold_rounds(client, True)
            seconds = await self._judged(client, fleet, self._names)
            await hold_rounds(client, False)
            await asyncio.sleep(_SETTLED)
            after = await self._waiting()
            return [
                self._windows(seconds),
                *self._cost(before, after),
                *await self._looks(client, after),
            ]
        finally:
            fleet.store.close()

    async def _judged(self, client: Client, fleet: Fleet, names: list[str]) -> float:
        """Seconds until all windows of some models are judged and answered."""
        until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        since = until - _WINDOWS * HOUR
        there, _ = fleet.judged(until)
        for name in names:
            for number in range(_WINDOWS):
                fleet.log(name, since + number * HOUR + timedelta(minutes=1))
            fleet.crown(name, since + timedelta(seconds=1))
        began = time.perf_counter()
        await reconcile(client)
        wanted = there + _WINDOWS * len(names)
        while (counts := fleet.judged(until))[0] < wanted:
            if time.perf_counter() - began > _PATIENCE:
                raise RuntimeError(f"{counts[0]:,} of {wanted:,} windows were judged")
            await asyncio.sleep(0.2)
        seconds = time.perf_counter() - began
        if counts[1] < counts[0]:
            raise RuntimeError(f"{counts[0] - counts[1]} windows were judged without requests")
        return seconds

    async def _waiting(self) -> dict[str, tuple[float, float]]:
        """Memory in MB, and seconds of a core while nobody asks, by service."""
        used = {each: cpu_seconds(self._stack, each) for each in _SERVICES}
        await asyncio.sleep(_IDLE_SECONDS)
        return {
            each: (memory(self._stack, each), cpu_seconds(self._stack, each) - used[each])
            for each in _SERVICES
        }

    def _windows(self, seconds: float) -> Row:
        count = self._number * _WINDOWS
        case = (
            f"windows judged a minute, {self._number} models with {_WINDOWS} each of "
            f"{_ROWS:,} rows x {COLUMNS} columns: drift, policy and records"
        )
        return row(case, count / seconds * 60, "1/min")

    def _cost(
        self, before: dict[str, tuple[float, float]], after: dict[str, tuple[float, float]]
    ) -> list[Row]:
        found = []
        for service in _SERVICES:
            (had, idle), (has, busy) = before[service], after[service]
            waiting = f"{self._number} monitors wait"
            more = (has - had) * 1000 / self._number
            found += [
                row(f"memory of {service}, {waiting}", has, "MB"),
                row(f"memory of {service}, for each monitor", more, "kB"),
                row(f"CPU of {service}, {waiting}", 100 * busy / _IDLE_SECONDS, "% of a core"),
                row(
                    f"CPU of {service}, the same without monitors",
                    100 * idle / _IDLE_SECONDS,
                    "% of a core",
                ),
            ]
        return found

    async def _looks(self, client: Client, idle: dict[str, tuple[float, float]]) -> list[Row]:
        """What a monitor costs that looks whether there are labels, and finds none."""
        before = await _events(client, self._names[0])
        used = {each: cpu_seconds(self._stack, each) for each in _SERVICES}
        began = time.perf_counter()
        await _all(_look(client, name) for name in self._names)
        await asyncio.sleep(_SETTLED)
        seconds = time.perf_counter() - began
        taken = [
            cpu_seconds(self._stack, each) - used[each] - idle[each][1] * seconds / _IDLE_SECONDS
            for each in _SERVICES
        ]
        each = sum(taken) * 1000 / self._number
        return [
            row("a monitor looks for labels, CPU of all", each, "ms"),
            row(
                "the same, in its history", await _events(client, self._names[0]) - before, "events"
            ),
            row(
                f"{self._number} that look every five minutes, which they need not, CPU of all",
                each / 1000 * self._number / 300 * 100,
                "% of a core",
            ),
        ]


async def _events(client: Client, model: str) -> int:
    monitor = client.get_workflow_handle(ids.monitor_workflow(model, "production"))
    info = (await monitor.describe()).raw_description.workflow_execution_info
    return int(info.history_length)


async def _look(client: Client, model: str) -> None:
    monitor = client.get_workflow_handle(ids.monitor_workflow(model, "production"))
    await monitor.signal(monitoring.LOOK_AGAIN)


async def _all(asks: Iterable[Coroutine[None, None, None]]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def through(ask: Coroutine[None, None, None]) -> None:
        async with gate:
            await ask

    await asyncio.gather(*map(through, asks))
