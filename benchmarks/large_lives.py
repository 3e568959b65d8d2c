"""A thousand models that wait: what they cost, how soon one of them answers, and what a month of
one that is monitored adds to its history.

Models are started and asked as the API does it.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterable
from pathlib import Path

from temporalio.client import Client

from api.asking import ask_model
from benchmarks import monitored_month
from benchmarks.processes import cpu_seconds, memory
from benchmarks.results import Row, row
from infra.stack import Stack
from perennial.contracts import ids, lifecycle
from perennial.contracts.spec import ModelSpec
from perennial.plugin import PerennialPlugin

MODELS = 1000
_AT_ONCE = 20
_ASKED = 200
_IDLE_SECONDS = 20
_REQUESTS = 100
_SERVICES = ("control", "temporal")


def run() -> list[Row]:
    """Rows: time to start, memory, idle CPU, answers warm and cold, size on disk, histories."""
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        stack = Stack(Path(folder), Stack.free_ports())
        try:
            stack.up(only=("temporal", "opa", *_SERVICES))
            return asyncio.run(_measured(stack))
        finally:
            stack.down()


async def _measured(stack: Stack) -> list[Row]:
    client = await Client.connect(stack.urls["temporal"], plugins=[PerennialPlugin()])
    names = [f"model-{number:04}" for number in range(MODELS)]
    await _ask(client, "first-of-all")
    rows = _memory(stack, "no model")

    began = time.perf_counter()
    await _all_asked(client, names)
    taken = time.perf_counter() - began
    rows.append(row(f"start {MODELS} models, {_AT_ONCE} at once", taken, "s"))
    rows += _memory(stack, f"{MODELS} models wait")
    rows += _idle(stack)

    chosen = random.Random(1).sample(names, _ASKED)
    rows += _answers("a waiting model answers", [await _ask(client, name) for name in chosen])
    stack.stop("control")
    stack.start("control")
    rows += _answers(
        "a model answers a worker that has just started",
        [await _ask(client, name) for name in chosen],
    )
    rows.append(row(f"Temporal's database, {MODELS} models", _on_disk(stack), "MB"))
    rows += await _history(client, names[0])
    # only now: it would use memory and processor meanwhile
    await asyncio.to_thread(stack.up, only=("temporal", "opa", *_SERVICES, "ml"))
    return rows + await monitored_month.rows(stack)


async def _ask(client: Client, model: str) -> float:
    """Apply the spec once more: one update, one row read or written. Returns its seconds."""
    ask = lifecycle.ApplySpec(request_id=uuid.uuid4().hex, actor="bench", spec=_spec(model))
    began = time.perf_counter()
    await ask_model(
        client,
        lifecycle.ModelState(model=model),
        lifecycle.APPLY_SPEC,
        ask,
        lifecycle.SpecApplied,
    )
    return time.perf_counter() - began


async def _all_asked(client: Client, models: Iterable[str]) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def through(model: str) -> None:
        async with gate:
            await _ask(client, model)

    await asyncio.gather(*map(through, models))


def _spec(model: str) -> ModelSpec:
    return ModelSpec.model_validate(
        {
            "model": model,
            "project": "nowhere:Nothing",
            "task": "binary",
            "source": {"uri": "rows"},
            "metrics": {"primary": "roc_auc", "thresholds": [{"metric": "roc_auc", "min": 0.7}]},
            "owners": ["bench@example.org"],
        }
    )


def _answers(case: str, seconds: list[float]) -> list[Row]:
    at = statistics.quantiles(seconds, n=100)
    return [
        row(f"{case}, median of {len(seconds)}", at[49] * 1000, "ms"),
        row(f"{case}, 99th percentile", at[98] * 1000, "ms"),
    ]


def _memory(stack: Stack, when: str) -> list[Row]:
    return [
        row(f"memory of {service}, {when}", memory(stack, service), "MB") for service in _SERVICES
    ]


def _idle(stack: Stack) -> list[Row]:
    """Percent of a core while nobody asks."""
    before = {service: cpu_seconds(stack, service) for service in _SERVICES}
    time.sleep(_IDLE_SECONDS)
    return [
        row(
            f"idle CPU of {service}, {MODELS} models wait",
            100 * (cpu_seconds(stack, service) - before[service]) / _IDLE_SECONDS,
            "% of a core",
        )
        for service in _SERVICES
    ]


def _on_disk(stack: Stack) -> float:
    database = stack.config.layout.temporal_database
    return sum(file.stat().st_size for file in database.parent.glob(f"{database.name}*")) / 1e6


async def _history(client: Client, model: str) -> list[Row]:
    handle = client.get_workflow_handle(ids.model_workflow(model))
    before = (await handle.describe()).raw_description.workflow_execution_info
    for _ in range(_REQUESTS):
        await _ask(client, model)
    after = (await handle.describe()).raw_description.workflow_execution_info
    events = (after.history_length - before.history_length) / _REQUESTS
    size = (after.history_size_bytes - before.history_size_bytes) / _REQUESTS
    return [
        row("history of one request", events, "events"),
        row("history of one request", size / 1000, "kB"),
    ]
