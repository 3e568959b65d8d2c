"""One process of the data plane under uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from perennial.blobs import BlobStore
from perennial.settings import settings
from serving.app import App
from serving.counting import Counting
from serving.desk import Desk
from serving.feed import Feed
from serving.limits import Limits


def create() -> App:
    """The app of this process, which follows the API as long as it runs."""
    process = f"{socket.gethostname()}-{os.getpid()}"
    limits, desk = Limits(), Desk(BlobStore(settings().blobs), process)

    @asynccontextmanager
    async def following() -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=10) as client:
            feed = Feed(client, desk, limits.environment)
            await feed.look()
            task = asyncio.create_task(feed.follow())
            try:
                yield
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task

    return App(desk, limits, Counting(process), following)
