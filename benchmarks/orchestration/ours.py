"""Perennial's control worker, built by `workers/control.py`, with one more workflow."""

from __future__ import annotations

import asyncio
import os
import uuid
from datetime import timedelta

import uvloop
from temporalio import activity, workflow

from perennial.contracts.base import Contract
from workflows.steps import options

with workflow.unsafe.imports_passed_through():
    from benchmarks.orchestration.talk import Job, serve
    from perennial.contracts import queues
    from perennial.settings import settings
    from perennial.temporal import connect
    from workers.control import control_worker

_PATIENCE = timedelta(minutes=10)


class Step(Contract):
    """What goes into a step and comes out of it."""

    number: int


@activity.defn
async def no_op(input: Step) -> Step:
    """Nothing, so that only the platform's own cost is left."""
    return input


@workflow.defn
class Steps:
    """Steps one after the other, with the option profiles that our own workflows use."""

    @workflow.run
    async def run(self, steps: int, kind: str) -> int:
        """Returns how many were done."""
        done = 0
        for number in range(steps):
            if kind == "short":
                await workflow.execute_local_activity(
                    no_op, Step(number=number), **options.record(), summary="no-op"
                )
            else:
                await workflow.execute_activity(
                    no_op, Step(number=number), **options.decision(_PATIENCE), summary="no-op"
                )
            done += 1
        return done


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
        control_worker(client, settings(), workflows=[Steps], activities=[no_op]) as worker,
        worker,
    ):
        await serve(run)


if __name__ == "__main__":
    uvloop.run(main())  # as `python -m workers` does
    os._exit(0)  # Temporal's native runtime can abort while the interpreter is finalized
