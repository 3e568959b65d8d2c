"""The log of requests: kept in memory for a moment, written in batches beside the requests.

The buffer is bounded. What finds no room in it, or cannot be written, is lost and counted as that:
a full disk never costs a caller an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from array import array
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

_BATCH_BYTES = 16 * 1024 * 1024
_BATCH_SECONDS = 5.0
_ROW_BYTES = 100
"""Of a row, beside its inputs."""
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


class Page:
    """Requests of one variant, column by column, all answered or all failed.

    What is kept is copied into a few buffers: objects that wait by the thousand would be looked
    through by each collection of garbage, and put together while requests wait.

    Attributes:
        of: the first one; deployment, variant, model and `copy` are those of all.
        at: of each request, as `Kept` has it.
        seconds: the same.
        sizes: rows of each request.
        named: the same, a byte each.
        request_ids: the same.
        entities: the same.
        inputs: values of all rows by name: bytes of float32, or texts.
        answers: bytes of float32.
        rows: of all requests.
        size: what they are taken to need, in bytes.
    """

    def __init__(self, of: Kept) -> None:
        self.of = of
        self.at, self.seconds, self.sizes = array("d"), array("f"), array("i")
        self.named = bytearray()
        self.request_ids: list[bytes] = []
        self.entities: list[bytes | None] = []
        self.inputs: dict[str, bytearray | list[str]] = {
            each.name: [] if each.text else bytearray() for each in of.model.inputs
        }
        self.answers = bytearray()
        self.rows = self.size = 0

    def add(self, kept: Kept) -> None:
        """One more."""
        self.at.append(kept.at)
        self.seconds.append(kept.seconds)
        self.sizes.append(kept.rows)
        self.named.append(kept.named)
        self.request_ids.append(kept.request_id)
        self.entities.append(kept.entity)
        for name, into in self.inputs.items():
            values = kept.inputs[name]
            if isinstance(into, bytearray):
                into += values.tobytes()
            else:
                into += values.ravel().tolist()
        if kept.answer is not None:
            self.answers += kept.answer.tobytes()
        self.rows += kept.rows


class Logbook:
    """The buffer, and the thread that writes it. All calls come from the event loop's thread."""

    def __init__(self, counting: Counting, files: LogFiles | None, most: int) -> None:
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
        size = kept.rows * _ROW_BYTES + sum([values.nbytes for values in kept.inputs.values()])
        if self._files is None or self._bytes + size > self._most:
            self._counting.lost(kept.deployment, kept.variant, kept.rows)
            return
        failed = kept.answer is None
        key = kept.deployment.model, kept.deployment.epoch, kept.variant.name, kept.copy, failed
        if (page := self._pages.get(key)) is None:
            page = self._pages[key] = Page(kept)
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
