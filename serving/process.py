"""One process of the data plane, whoever hosts it: what it serves, counts and follows."""

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
from perennial.contracts.errors import Unavailable
from perennial.settings import settings
from serving.app import App
from serving.counting import Counting
from serving.desk import Desk
from serving.feed import LOOK_SECONDS, Feed
from serving.limits import Limits
from serving.log_writer import LogWriter


class Process:
    """The app of this process, and what stands behind it.

    Attributes:
        app: to be hosted; from its lifespan's start to its end the process follows the API.
    """

    def __init__(self, limits: Limits, *, knows_first: bool = False) -> None:
        """Put the parts together; nothing is asked for yet.

        Args:
            limits: how much is taken, and for which environment.
            knows_first: whether it takes no request before the API has said what is served.
        """
        # a process number comes again one day, and counts of two processes must not meet
        self._name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._limits, self._knows_first = limits, knows_first
        files = LogWriter(settings().requests, self._name)
        self._desk, self._counting = Desk(BlobStore(settings().blobs), files.load), Counting()
        self._task: asyncio.Task[None] | None = None
        self.app = App(self._desk, limits, self._counting, files, self._following)

    def check(self) -> None:
        """Raises Unavailable where this process follows the API no more: it must be replaced."""
        if self._task is None or self._task.done():
            raise Unavailable(
                f"process {self._name} does not follow what is to be served; its log says why"
            )

    @asynccontextmanager
    async def _following(self) -> AsyncIterator[None]:
        async with httpx.AsyncClient(timeout=10) as client:
            feed = Feed(client, self._desk, self._counting, self._limits.environment, self._name)
            await feed.look()
            while self._knows_first and not self._desk.ready:
                await asyncio.sleep(LOOK_SECONDS)
                await feed.look()
            self._task = asyncio.create_task(feed.follow())
            try:
                yield
            finally:
                self._task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._task
                await feed.leave()
