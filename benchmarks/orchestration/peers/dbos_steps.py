"""DBOS on SQLite. Many workflows go through a queue, polled as often as helps it most."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from dbos import DBOS, DBOSConfig

from benchmarks.orchestration.talk import Job, serve

_QUEUE = "steps"
_POLL_SECONDS = 0.05


@DBOS.step()
def no_op(number: int) -> int:
    """Nothing."""
    return number


@DBOS.workflow()
def steps(count: int) -> int:
    """Steps one after the other."""
    done = 0
    for number in range(count):
        no_op(number)
        done += 1
    return done


async def main() -> None:
    """Serve jobs. The first argument is a folder for the database."""
    config: DBOSConfig = {
        "name": "steps",
        "system_database_url": f"sqlite:///{Path(sys.argv[1]) / 'dbos.db'}",
        "log_level": "ERROR",
    }
    DBOS(config=config)
    DBOS.launch()
    await asyncio.to_thread(DBOS.register_queue, _QUEUE, polling_interval_sec=_POLL_SECONDS)

    def work(job: Job) -> int:
        if job.workflows == 1:
            return steps(job.steps)
        handles = [DBOS.enqueue_workflow(_QUEUE, steps, job.steps) for _ in range(job.workflows)]
        return sum(handle.get_result(polling_interval_sec=_POLL_SECONDS) for handle in handles)

    await serve(lambda job: asyncio.to_thread(work, job))
    await asyncio.to_thread(DBOS.destroy)


if __name__ == "__main__":
    asyncio.run(main())
