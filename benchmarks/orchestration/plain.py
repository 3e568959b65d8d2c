"""Temporal as its SDK comes: no plugin, no interceptor, no option beyond the required one."""

from __future__ import annotations

import asyncio
import os
import uuid
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from benchmarks.orchestration.talk import Job, serve

_QUEUE = "plain"


@dataclass
class Step:
    """What goes into a step and comes out of it."""

    number: int


@activity.defn
async def no_op(input: Step) -> Step:
    """Nothing."""
    return input


@workflow.defn
class Steps:
    """Steps one after the other."""

    @workflow.run
    async def run(self, steps: int, kind: str) -> int:
        """Returns how many were done."""
        execute = workflow.execute_local_activity if kind == "short" else workflow.execute_activity
        done = 0
        for number in range(steps):
            await execute(no_op, Step(number), start_to_close_timeout=timedelta(seconds=20))
            done += 1
        return done


async def main() -> None:
    """Serve jobs."""
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])

    async def run(job: Job) -> int:
        done = await asyncio.gather(
            *(
                client.execute_workflow(
                    Steps.run,
                    args=[job.steps, job.kind],
                    id=f"steps:{uuid.uuid4()}",
                    task_queue=_QUEUE,
                )
                for _ in range(job.workflows)
            )
        )
        return sum(done)

    async with Worker(client, task_queue=_QUEUE, workflows=[Steps], activities=[no_op]):
        await serve(run)


if __name__ == "__main__":
    asyncio.run(main())
    os._exit(0)  # Temporal's native runtime can abort while the interpreter is finalized
