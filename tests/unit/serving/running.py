"""The prediction app on a real socket, and what it serves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn

from perennial.contracts.base import BlobRef
from perennial.contracts.serving import WHOLE, Deployment, Variant
from serving.app import App
from serving.at_once import AtOnce
from serving.counting import Counting
from serving.desk import Desk
from serving.limits import Limits
from serving.log_files import LogFiles
from serving.logbook import Files
from serving.pages import Page
from serving.tracing import traced

PIXELS = {"p0": 1, "p1": 2, "p2": 3}
ROW = {"size": 1.5, "colour": "red", **PIXELS}
PREDICT, INFER = "/v1/models/flights:predict", "/v2/models/flights/infer"
Put = Callable[[float], BlobRef]


class InThread:
    """Files that are written here, by a thread."""

    def __init__(self, files: LogFiles) -> None:
        self.memory, self.close, self._write = files.memory, files.close, files.write

    async def write(self, page: Page) -> None:
        await asyncio.to_thread(self._write, page)


@asynccontextmanager
async def served(
    desk: Desk,
    counting: Counting | None = None,
    files: Files | LogFiles | None = None,
    http: type[asyncio.Protocol] = AtOnce,
    keep_alive: int = 5,
    **limits: Any,
) -> AsyncIterator[httpx.AsyncClient]:
    if isinstance(files, LogFiles):
        files = InThread(files)
    config = uvicorn.Config(
        traced(App(desk, Limits(**limits), counting or Counting(), files)),
        host="127.0.0.1",
        port=0,
        http=http,
        ws="none",
        timeout_keep_alive=keep_alive,
        proxy_headers=False,
        log_level="error",
        lifespan="on",
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    host, port = server.servers[0].sockets[0].getsockname()
    try:
        async with httpx.AsyncClient(base_url=f"http://{host}:{port}", timeout=30) as client:
            yield client
    finally:
        server.should_exit = True
        await running


def deployment(put: Put, epoch: int = 1, entity: str | None = None, **weights: int) -> Deployment:
    """Variants by name with their weights; the version is the place, and so is the bias."""
    variants = tuple(
        Variant(name=name, version=number, onnx=put(number), weight=weight)
        for number, (name, weight) in enumerate((weights or {"champion": WHOLE}).items(), 1)
    )
    return Deployment(
        model="flights", environment="production", epoch=epoch, entity=entity, variants=variants
    )
