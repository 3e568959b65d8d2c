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
from typing import TYPE_CHECKING, Protocol

from serving.pages import Page, Whose, needs

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from perennial.contracts.serving import Variant
    from serving.answering import Turn
    from serving.computing import Inputs
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
        self._pages: dict[tuple[int, int, bool, bool], Page] = {}
        self._bytes = 0
        self._full = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="request-log")
        self._keeping: asyncio.Task[None] | None = None

    def offer(
        self,
        turn: Turn,
        inputs: Inputs,
        answer: NDArray[np.float32] | None,
        seconds: float,
        rows: int,
        challenger: Variant | None = None,
    ) -> None:
        """Keep a request, or a copy of it, if there is room.

        Args:
            turn: the request's.
            inputs: by name, `[rows, columns]`.
            answer: `[rows, classes]` or `[rows, 1]`; None where the variant failed.
            seconds: until it was answered; of a copy, that it was computed.
            rows: of it.
            challenger: who answered the copy; None of the request itself.
        """
        deployment, variant = turn.served.deployment, challenger or turn.variant
        # both live as long as their page, so that nothing else is met by their numbers
        key = id(deployment), id(variant), challenger is not None, answer is None
        if (page := self._pages.get(key)) is None:
            page = Page(_whose(turn, challenger))
        at = time.time() - time.monotonic() + turn.began if turn.at is None else turn.at
        record = page.record(
            at, seconds, rows, turn.named, turn.request_id, turn.entity, inputs, answer
        )
        size = needs(record)
        if self._files is None or self._bytes + size > self._most:
            self._counting.lost(deployment, variant, rows)
            return
        page.add(record, rows)
        self._bytes += size
        if page.rows == rows:  # the first on it
            self._pages[key] = page
            if self._keeping is None or self._keeping.done():
                self._keeping = asyncio.get_running_loop().create_task(self._keep())
        if self._bytes >= _BATCH_BYTES:
            self._full.set()

    async def close(self) -> None:
        """Write what waits."""
        while self._keeping is not None and not self._keeping.done():
            self._full.set()
            await asyncio.wait({self._keeping}, timeout=0.1)
        if self._files is not None:
            await asyncio.to_thread(self._files.close)

    async def _keep(self) -> None:
        while self._pages:
            await self._write()

    async def _write(self) -> None:
        """All that has come until there is enough of it, or for some seconds."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._full.wait(), _BATCH_SECONDS)
        self._full.clear()
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


def _whose(turn: Turn, challenger: Variant | None) -> Whose:
    variant = challenger or turn.variant
    model = turn.served.models[variant.name]
    deployment = turn.served.deployment
    return Whose(deployment, variant, challenger is not None, model.inputs, model.classes)
