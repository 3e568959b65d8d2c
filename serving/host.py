"""One process of the data plane under uvicorn."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
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
from serving.log_files import LogFiles


def create() -> App:
    """The app of this process, which follows the API as long as it runs."""
    # a process number comes again one day, and counts of two processes must not meet
    process = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    limits, desk, counting = Limits(), Desk(BlobStore(settings().blobs)), Counting()

    @asynccontextmanager
    async def following() -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=10) as client:
            feed = Feed(client, desk, counting, limits.environment, process)
            await feed.look()
            task = asyncio.create_task(feed.follow())
            try:
                yield
            finally:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
                await feed.leave()

    return App(desk, limits, counting, LogFiles(settings().requests, process), following)
