"""The log of requests: kept in memory for a moment, written in batches beside the requests.

The buffer is bounded. What finds no room in it, or cannot be written, is lost and counted as that:
a full disk never costs a caller an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol

from serving.pages import Kept, Page

if TYPE_CHECKING:
    from serving.counting import Counting

_BATCH_BYTES = 16 * 1024 * 1024
_BATCH_SECONDS = 5.0
_log = logging.getLogger(__name__)


class Files(Protocol):
    """Where pages go."""

    def write(self, page: Page) -> None:
        """Write one; called in a thread. Raises whatever keeps it from that."""

    def close(self) -> None:
        """All is written."""


class Logbook:
    """The buffer, and the thread that writes it. All calls come from the event loop's thread."""

    def __init__(self, counting: Counting, files: Files | None, most: int) -> None:
        """Keep requests.

        Args:
            counting: is told of what is kept and of what is lost.
            files: where they go; None where nothing is kept.
            most: bytes in memory at once.
        """
        self._counting = counting
        self._files = files
        self._most = most
        self._pages: dict[tuple[str, int, str, bool, bool], Page] = {}
        self._bytes = 0
        self._full = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="request-log")
        self._keeping: asyncio.Task[None] | None = None

    def offer(self, kept: Kept) -> None:
        """Keep it, if there is room."""
        failed = kept.answer is None
        key = kept.deployment.model, kept.deployment.epoch, kept.variant.name, kept.copy, failed
        page = self._pages.get(key) or Page(kept)
        size = page.needs(kept)
        if self._files is None or self._bytes + size > self._most:
            self._counting.lost(kept.deployment, kept.variant, kept.rows)
            return
        self._pages[key] = page
        page.add(kept)
        page.size += size
        self._bytes += size
        if self._bytes >= _BATCH_BYTES:
            self._full.set()
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Write what waits."""
        while self._keeping is not None and not self._keeping.done():
            self._full.set()
            await asyncio.wait({self._keeping}, timeout=0.1)
        if self._files is not None:
            await asyncio.to_thread(self._files.close)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while self._pages and self._files is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), _BATCH_SECONDS)
            self._full.clear()
            pages, self._pages = list(self._pages.values()), {}
            for page in pages:
                tell = self._counting.logged
                try:
                    await loop.run_in_executor(self._thread, self._files.write, page)
                except Exception as error:  # no reason to stop serving
                    _log.warning("%d rows are not logged: %s", page.rows, error)
                    tell = self._counting.lost
                self._bytes -= page.size
                tell(page.of.deployment, page.of.variant, page.rows)
