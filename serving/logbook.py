"""The log of requests: kept in memory for a moment, written in batches beside the requests.

The buffer is bounded. What finds no room in it, or cannot be written, is lost and counted as that:
a full disk never costs a caller an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from perennial.contracts.serving import Deployment, Variant

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from serving.computing import Inputs
    from serving.counting import Counting
    from serving.log_files import LogFiles
    from serving.model import Model

_BATCH_ROWS = 8192
_BATCH_SECONDS = 5.0
_log = logging.getLogger(__name__)


class Kept(NamedTuple):
    """One request, as one variant answered it.

    Attributes:
        deployment: by which it was answered.
        variant: that did.
        model: that the variant is.
        request_id: as the caller got it back; a copy has that of its request.
        at: seconds since 1970.
        seconds: until it was answered; of a copy, that it was computed.
        copy: whether it was answered for nobody.
        named: whether the caller asked for the variant.
        entity: whose value decided who answers; None where there is none.
        inputs: by name, `[rows, columns]`.
        answer: `[rows, classes]` or `[rows, 1]`; None where the variant failed.
        rows: of the request.
    """

    deployment: Deployment
    variant: Variant
    model: Model
    request_id: bytes
    at: float
    seconds: float
    copy: bool
    named: bool
    entity: bytes | None
    inputs: Inputs
    answer: NDArray[np.float32] | None
    rows: int


class Logbook:
    """The buffer, and the thread that writes it. All calls come from the event loop's thread."""

    def __init__(self, counting: Counting, files: LogFiles | None, most: int) -> None:
        """Keep requests.

        Args:
            counting: is told of what is kept and of what is lost.
            files: where they go; None where nothing is kept.
            most: rows in memory at once.
        """
        self._counting = counting
        self._files = files
        self._most = most
        self._waiting: list[Kept] = []
        self._rows = 0
        self._full = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="request-log")
        self._keeping: asyncio.Task[None] | None = None

    def offer(self, kept: Kept) -> None:
        """Keep it, if there is room."""
        rows = kept.rows
        if self._files is None or self._rows + rows > self._most:
            self._counting.lost(kept.deployment, kept.variant, rows)
            return
        self._waiting.append(kept)
        self._rows += rows
        if self._rows >= _BATCH_ROWS:
            self._full.set()
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.get_running_loop().create_task(self._keep())

    async def close(self) -> None:
        """Write what waits."""
        while self._keeping is not None and not self._keeping.done():
            self._full.set()
            await asyncio.wait({self._keeping}, timeout=0.1)

    async def _keep(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and self._files is not None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._full.wait(), _BATCH_SECONDS)
            self._full.clear()
            some, self._waiting = self._waiting, []
            try:
                await loop.run_in_executor(self._thread, self._files.write, some)
            except Exception as error:  # a log that cannot be written is no reason to stop serving
                _log.warning("%d requests are not logged: %s", len(some), error)
                self._tell(some, written=False)
            else:
                self._tell(some, written=True)

    def _tell(self, some: list[Kept], *, written: bool) -> None:
        rows = Counter[tuple[str, int, str]]()
        first: dict[tuple[str, int, str], Kept] = {}
        for kept in some:
            key = kept.deployment.model, kept.deployment.epoch, kept.variant.name
            rows[key] += kept.rows
            first.setdefault(key, kept)
        self._rows -= rows.total()
        tell = self._counting.logged if written else self._counting.lost
        for key, kept in first.items():
            tell(kept.deployment, kept.variant, rows[key])
