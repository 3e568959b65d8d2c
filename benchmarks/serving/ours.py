"""Our data plane as `python -m serving` runs it, in one process, told what to serve by files.

`python -m benchmarks.serving.ours PORT FOLDER MODEL FILE...`: the first file is served, by three
variants with weights; each `POST /swap` serves the next one.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import uvicorn

from perennial.blobs import BlobStore
from perennial.contracts.base import BlobRef
from perennial.contracts.request_log import EventTime, RequestLog
from perennial.contracts.serving import WHOLE, Deployment, Variant
from perennial.quiet import quieten
from serving.app import App, Send, Write
from serving.at_once import AtOnce
from serving.bodies import Message, Receive
from serving.counting import Counting
from serving.desk import Desk
from serving.limits import Limits
from serving.log_writer import LogWriter
from serving.responses import Answer, Header

ENTITY = "x-customer"
SWAP = "/swap"
UNLOGGED = "BENCH_UNLOGGED"
"""Set: no request is logged."""
EVENT_TIMES = "BENCH_EVENT_TIMES"
"""Set: callers may say of when a request is."""
SPENT = "BENCH_SPENT"
"""Set: microseconds that each request takes longer, for nothing."""
_WEIGHTS = {"challenger": 1000, "champion": WHOLE - 2000, "control": 1000}


def _event_time() -> EventTime:
    return "header" if os.environ.get(EVENT_TIMES) else "arrival"


class Slowed(App):
    """The app, and some time that each request spends on nothing."""

    spent_ns = 1000 * int(os.environ.get(SPENT) or 0)

    def begin(
        self,
        method: str,
        path: str,
        headers: Iterable[Header],
        body: bytes,
        began: float,
        write: Write,
    ) -> Coroutine[Any, Any, Answer] | None:
        """Answer, and wait without rest."""
        later = super().begin(method, path, headers, body, began, write)
        until = time.perf_counter_ns() + self.spent_ns
        while time.perf_counter_ns() < until:
            pass
        return later


class Swapping:
    """The app, and a way to tell it the next deployment."""

    def __init__(self, app: App, desk: Desk, model: str, files: list[BlobRef]) -> None:
        self._app, self._desk = app, desk
        self._model, self._files = model, files
        self._epochs = count(1)

    async def swap(self) -> None:
        """Serve the next file, loaded anew."""
        epoch = next(self._epochs)
        onnx = self._files[(epoch - 1) % len(self._files)]
        variants = tuple(
            Variant(name=name, version=epoch, onnx=onnx, weight=weight)
            for name, weight in _WEIGHTS.items()
        )
        await self._desk.take(
            Deployment(
                model=self._model,
                environment="production",
                epoch=epoch,
                entity=ENTITY,
                log=None if os.environ.get(UNLOGGED) else RequestLog(event_time=_event_time()),
                variants=variants,
            )
        )

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Swap where it is asked for; else what the app says."""
        if scope.get("path") != SWAP:
            await self._app(scope, receive, send)
            return
        await self.swap()
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})


def main() -> None:
    """Serve until asked to stop."""
    quieten()
    port, folder, model, *paths = sys.argv[1:]
    blobs = BlobStore(f"file://{folder}/blobs")
    files = LogWriter(f"file://{folder}/requests", "ours")
    desk, limits = Desk(blobs, files.load), Limits()
    swapping: Swapping

    @asynccontextmanager
    async def alive() -> AsyncIterator[None]:
        await swapping.swap()
        desk.ready = True
        yield

    kind = Slowed if os.environ.get(SPENT) else App
    app = kind(desk, limits, Counting(), files, alive)
    swapping = Swapping(app, desk, model, [blobs.put(Path(file)) for file in paths])
    uvicorn.run(
        # nothing stands before the app where throughput is measured
        swapping if len(paths) > 1 else app,
        host=limits.host,
        port=int(port),
        loop="uvloop",
        http=AtOnce,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
