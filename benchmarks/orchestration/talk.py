"""How an entrant is told what to do: a JSON job a line in, seconds a line out.

The standard library alone: it is also loaded in the peers' environments.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple


class Job(NamedTuple):
    """Workflows to run at once, each with so many no-op steps, one after the other.

    Attributes:
        workflows: 1 for a single one, started and awaited directly.
        steps: steps of each.
        kind: `step`, or `short` for a system that has a cheaper form for short steps.
    """

    workflows: int
    steps: int
    kind: str


async def serve(run: Callable[[Job], Awaitable[int]]) -> None:
    """Do jobs of steps.

    Args:
        run: does one job, and returns how many steps were done, to be checked.

    Raises:
        RuntimeError: a job did not do its steps.
    """

    async def do(told: dict[str, Any]) -> None:
        job = Job(**told)
        done = await run(job)
        if done != job.workflows * job.steps:
            raise RuntimeError(f"{job} did {done} steps")

    await answer(do)


async def answer(do: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
    """Do what each line says until the input ends, as it does also when the parent is killed.

    Args:
        do: does one job, given as it was told; how long it takes is the answer.
    """
    # Libraries print; answers keep a channel of their own.
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    loop = asyncio.get_running_loop()
    answers.write("ready\n")
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        told = json.loads(line)
        began = time.perf_counter()
        await do(told)
        answers.write(f"{time.perf_counter() - began}\n")
