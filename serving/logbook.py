"""The log of requests: kept in memory for a moment, written in batches beside the requests.

The buffer is bounded. What finds no room in it, or cannot be written, is lost and counted as that:
a full disk never costs a caller an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, Protocol

from serving.pages import Kept, Page

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from perennial.contracts.serving import Variant
    from serving.answering import Turn
    from serving.computing import Inputs
    from serving.counting import Counting

_BATCH_BYTES = 16 * 1024 * 1024
_BATCH_SECONDS = 5.0
_TOGETHER = 64
"""Rows that are put on pages one after the other, by code and memory that are at hand: between a
request and the next one, both have gone from the processor's caches, and it takes twice as long."""
_log = logging.getLogger(__name__)


class Files(Protocol):
    """Where pages go."""

    def write(self, page: Page) -> None:
        """Write one; called in a thread. Raises whatever keeps it from that."""

    def close(self) -> None:
        """All is written."""


class Entry(NamedTuple):
    """One request that is to be in the log, or a copy of it.

    Attributes:
        turn: the request's.
        inputs: by name, `[rows, columns]`.
        answer: `[rows, classes]` or `[rows, 1]`; None where the variant failed.
        seconds: until it was answered; of a copy, that it was computed.
        rows: of it.
        challenger: who answered the copy; None of the request itself.
    """

    turn: Turn
    inputs: Inputs
    answer: NDArray[np.float32] | None
    seconds: float
    rows: int
    challenger: Variant | None = None


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
        self._waiting: list[Entry] = []
        self._rows = 0
        self._pages: dict[tuple[str, int, str, bool, bool], Page] = {}
        self._bytes = 0
        self._full = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="request-log")
        self._keeping: asyncio.Task[None] | None = None

    def offer(self, entry: Entry) -> None:
        """Keep it, if there is room."""
        self._waiting.append(entry)
        self._rows += entry.rows
        if self._rows >= _TOGETHER:
            self._take()
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Write what waits."""
        while self._keeping is not None and not self._keeping.done():
            self._full.set()
            await asyncio.wait({self._keeping}, timeout=0.1)
        if self._files is not None:
            await asyncio.to_thread(self._files.close)

    def _take(self) -> None:
        """Put those that wait on their pages."""
        waiting, self._waiting, self._rows = self._waiting, [], 0
        since = time.time() - time.monotonic()
        for entry in waiting:
            kept = _kept(entry, since)
            failed = kept.answer is None
            key = kept.deployment.model, kept.deployment.epoch, kept.variant.name, kept.copy, failed
            page = self._pages.get(key) or Page(kept)
            size = page.needs(kept)
            if self._files is None or self._bytes + size > self._most:
                self._counting.lost(kept.deployment, kept.variant, kept.rows)
                continue
            self._pages[key] = page
            page.add(kept)
            page.size += size
            self._bytes += size
        if self._bytes >= _BATCH_BYTES:
            self._full.set()

    async def _keep(self) -> None:
        while self._waiting or self._pages:
            await self._write()

    async def _write(self) -> None:
        """All that has come until there is enough of it, or for some seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._full.wait(), _BATCH_SECONDS)
        self._full.clear()
        self._take()
        pages, self._pages = list(self._pages.values()), {}
        loop = asyncio.get_running_loop()
        for page in pages:
            assert self._files is not None  # else there are no pages
            tell = self._counting.logged
            try:
                await loop.run_in_executor(self._thread, self._files.write, page)
            except Exception as error:  # no reason to stop serving
                _log.warning("%d rows are not logged: %s", page.rows, error)
                tell = self._counting.lost
            self._bytes -= page.size
            tell(page.of.deployment, page.of.variant, page.rows)


def _kept(entry: Entry, since: float) -> Kept:
    """As a page has it; `since` is when the monotonic clock began, in seconds since 1970."""
    turn, inputs, answer, seconds, rows, challenger = entry
    variant = challenger or turn.variant
    return Kept(
        turn.served.deployment,
        variant,
        turn.served.models[variant.name],
        turn.request_id,
        since + turn.began if turn.at is None else turn.at,
        seconds,
        challenger is not None,
        turn.named,
        turn.entity,
        inputs,
        answer,
        rows,
    )
