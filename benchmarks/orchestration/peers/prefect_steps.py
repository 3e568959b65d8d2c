"""Prefect with a server of its own on SQLite: flows of tasks, all awaited in this process.

A flow that is called here costs less than one that a deployment starts in a process of its own, so
this is Prefect at its quickest.
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Coroutine
from typing import Any

from benchmarks.orchestration.talk import Job, serve

_HOST = "127.0.0.1"
_READY_SECONDS = 120.0
_AT_ONCE = 4
"""2, 4 and 8 are alike within the noise of a busy machine; at 100 its server answers 503."""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind((_HOST, 0))
        return int(free.getsockname()[1])


def _await_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _READY_SECONDS
    while server.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{url}/ready", timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("Prefect's server did not start")


async def _flows() -> None:
    from prefect import flow, task  # reads the settings below when it is loaded

    @task
    async def no_op(number: int) -> int:
        return number

    @flow
    async def steps(count: int) -> int:
        done = 0
        for number in range(count):
            await no_op(number)
            done += 1
        return done

    async def run(job: Job) -> int:
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one() -> int:
            async with gate:
                return await steps(job.steps)

        return sum(await asyncio.gather(*(one() for _ in range(job.workflows))))

    await serve(run)


def serve_with_server(flows: Callable[[], Coroutine[Any, Any, None]], *, folder: str) -> None:
    """Run `flows` beside a server of their own.

    Args:
        flows: loads Prefect, and serves jobs.
        folder: for the server's data.
    """
    port = _free_port()
    url = f"http://{_HOST}:{port}/api"
    os.environ |= {
        "PREFECT_HOME": folder,
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_LOGGING_TO_API_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "prefect", "server", "start", "--host", _HOST, "--port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
    )
    try:
        _await_ready(url, server)
        asyncio.run(flows())
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    serve_with_server(_flows, folder=sys.argv[1])
