"""Perennial's control worker, built by `workers/control.py`, with one more workflow."""

from __future__ import annotations

import asyncio
import os
import uuid

import uvloop

from benchmarks.orchestration.step import no_op
from benchmarks.orchestration.steps import Steps
from benchmarks.orchestration.talk import Job, serve
from perennial.contracts import queues
from perennial.settings import settings
from perennial.temporal import connect
from workers.control import control_worker


async def main() -> None:
    """Serve jobs."""
    client = await connect()

    async def run(job: Job) -> int:
        done = await asyncio.gather(
            *(
                client.execute_workflow(
                    Steps.run,
                    args=[job.steps, job.kind],
                    id=f"steps:{uuid.uuid4()}",
                    task_queue=queues.CONTROL,
                )
                for _ in range(job.workflows)
            )
        )
        return sum(done)

    async with (
        control_worker(
            client,
            settings(),
            workflows=[Steps],
            activities=[no_op],
            loaded_once=[Steps.__module__],  # as the workflows of Perennial itself are
        ) as worker,
        worker,
    ):
        await serve(run)


if __name__ == "__main__":
    uvloop.run(main())  # as `python -m workers` does
    os._exit(0)  # Temporal's native runtime can abort while the interpreter is finalized
