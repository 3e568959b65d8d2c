"""`python -m workers <role>`: run one worker until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager

from perennial.loading import uncollected
from perennial.quiet import quieten

quieten()  # before any library that phones home is loaded

import uvloop  # noqa: E402
from temporalio.client import Client  # noqa: E402
from temporalio.runtime import Runtime  # noqa: E402
from temporalio.worker import Worker  # noqa: E402

from perennial import tracing  # noqa: E402
from perennial.contracts.errors import PerennialError  # noqa: E402
from perennial.settings import Settings, settings  # noqa: E402
from perennial.temporal import connect, ensure_search_attributes  # noqa: E402
from workers.metrics import runtime, show_process  # noqa: E402
from workers.schedules import ensure_schedules  # noqa: E402
from workers.stopping import asked_to_stop  # noqa: E402

ROLES = ("control", "ml", "bus")


def _worker(role: str, client: Client, settings_: Settings) -> AbstractAsyncContextManager[Worker]:
    # imported by role, so that the control worker never loads torch
    if role == "control":
        with uncollected():
            from workers.control import control_worker

        return control_worker(client, settings_)
    with uncollected():
        from workers.ml import ml_worker

    return ml_worker(client, settings_)


async def _listen(client: Client, here: Settings, figures: Runtime | None) -> None:
    from workers.bus import listening
    from workers.bus_figures import BusFigures

    async with listening(client, here, BusFigures(figures)):
        stop = asked_to_stop()
        with _ready(here, "bus"):
            await stop.wait()
        logging.info("no longer listening: finishing what is in flight")


async def _poll(role: str, client: Client, here: Settings) -> None:
    await ensure_search_attributes(client)
    if role == "control":
        await ensure_schedules(client)
    async with _worker(role, client, here) as worker:
        stop = asked_to_stop()
        async with worker:
            with _ready(here, role):
                logging.info("%s worker polls %s", role, worker.task_queue)
                await stop.wait()
            logging.info("%s worker stops: finishing what is in flight", role)


async def _serve(role: str) -> None:
    here = settings()
    figures = runtime(here.worker_metrics)
    traced = tracing.start(f"perennial-{role}")
    # for a bus, neither it nor Temporal need be there: both are waited for, and nothing is lost
    client = await connect(
        lazy=role == "bus", runtime=figures, interceptors=tracing.interceptors(traced)
    )
    shown = asyncio.create_task(show_process(figures)) if figures else None
    if role == "bus":
        await _listen(client, here, figures)
    else:
        await _poll(role, client, here)
    if shown:
        shown.cancel()
    if traced:
        await asyncio.to_thread(traced.close)


@contextmanager
def _ready(here: Settings, role: str) -> Iterator[None]:
    """Tell the supervisor, by a file, that this process is at work."""
    path = here.state_dir / "run" / f"{role}.ready"
    path.parent.mkdir(parents=True, exist_ok=True)
    mine = str(os.getpid())
    path.write_text(mine)
    try:
        yield
    finally:
        # in a rolling restart the file is the next worker's by now
        if path.exists() and path.read_text() == mine:
            path.unlink()


def main() -> None:
    """Check the role, serve, and leave without running finalizers."""
    if len(sys.argv) != 2 or sys.argv[1] not in ROLES:
        sys.exit(f"usage: python -m workers {'|'.join(ROLES)}")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    status = 0
    try:
        uvloop.run(_serve(sys.argv[1]))
    except PerennialError as error:
        logging.error("%s", error.message)
        status = 1
    except Exception:
        logging.exception("the %s worker failed", sys.argv[1])
        status = 1
    # Temporal's native runtime can abort while the interpreter is finalized
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


if __name__ == "__main__":
    main()
