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

from serving.pages import Page, Requests, Whose

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from perennial.contracts.serving import Variant
    from serving.answering import Turn
    from serving.computing import Inputs
    from serving.counting import Counting

_BATCH_BYTES = 16 * 1024 * 1024
_BATCH_SECONDS = 5.0
_TOGETHER, _TOGETHER_ROWS = 64, 512
"""Requests, or rows of them, that are put on pages one after the other: by code that is at hand,
and from memory that has not yet gone from the processor's caches."""
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

    @property
    def variant(self) -> Variant:
        """Who answered."""
        return self.challenger or self.turn.variant


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
        if self._rows >= _TOGETHER_ROWS or len(self._waiting) >= _TOGETHER:
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
        for entries in _alike(waiting):
            self._put(entries, since)
        if self._bytes >= _BATCH_BYTES:
            self._full.set()

    def _put(self, entries: list[Entry], since: float) -> None:
        """Put them on one page, as many as there is room for."""
        first = entries[0]
        deployment, variant = first.turn.served.deployment, first.variant
        copy, failed = first.challenger is not None, first.answer is None
        key = deployment.model, deployment.epoch, variant.name, copy, failed
        if (page := self._pages.get(key)) is None:
            model = first.turn.served.models[variant.name]
            page = Page(Whose(deployment, variant, copy, model.inputs, model.classes))
        if self._files is not None and self._bytes < self._most:
            chunk = page.pack(_requests(entries, since))
            if self._bytes + chunk.size <= self._most:
                self._pages[key] = page
                page.add(chunk)
                self._bytes += chunk.size
                return
            if len(entries) > 1:
                half = len(entries) // 2
                self._put(entries[:half], since)
                self._put(entries[half:], since)
                return
        self._counting.lost(deployment, variant, sum([each.rows for each in entries]))

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


def _alike(waiting: list[Entry]) -> Iterable[list[Entry]]:
    """Those that belong on one page, together."""
    found: dict[tuple[int, int, bool, bool], list[Entry]] = {}
    for entry in waiting:
        turn, _, answer, _, _, challenger = entry
        # by what they are of, not by its names: those are looked up once for all of them
        who = id(challenger or turn.variant)
        key = id(turn.served), who, challenger is not None, answer is None
        found.setdefault(key, []).append(entry)
    return found.values()


def _requests(entries: list[Entry], since: float) -> Requests:
    """As a page takes them; `since` is when the monotonic clock began, in seconds since 1970."""
    turns = [each.turn for each in entries]
    return Requests(
        at=[since + turn.began if turn.at is None else turn.at for turn in turns],
        seconds=[each.seconds for each in entries],
        rows=[each.rows for each in entries],
        named=[turn.named for turn in turns],
        request_ids=[turn.request_id for turn in turns],
        entities=[turn.entity for turn in turns],
        inputs=[each.inputs for each in entries],
        answers=[each.answer for each in entries if each.answer is not None],
    )
