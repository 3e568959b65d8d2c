"""The log of requests: kept in memory for a moment, written in batches beside the requests.

The memory is bounded. What finds no room in it, or cannot be written, is lost and counted as that:
a full disk never costs a caller an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from perennial.contracts.request_log import WAITING_SECONDS
from serving.pages import Page, Whose
from serving.records import Area, Records, areas_in

if TYPE_CHECKING:
    from mmap import mmap

    import numpy as np
    from numpy.typing import NDArray

    from perennial.contracts.serving import Variant
    from serving.answering import Turn
    from serving.computing import Inputs
    from serving.counting import Counting

_HOUR = 3600
_log = logging.getLogger(__name__)


class Files(Protocol):
    """Where pages go."""

    def memory(self, size: int) -> mmap | bytearray:
        """So many bytes, in which the pages that are written will stand."""

    async def write(self, page: Page) -> None:
        """Write one. Raises whatever keeps it from that."""

    def close(self) -> None:
        """All is written."""


class _Batch(NamedTuple):
    """Requests that are written together.

    Attributes:
        area: they stand in.
        ahead: seconds that the wall clock was ahead of the monotonic one when it began.
        records: of them, by deployment, variant, and whether they are copies, and failed.
        found: by whom these are found too, until they are written.
    """

    area: Area
    ahead: float
    records: dict[tuple[int, int, bool, bool], tuple[Whose, Records]]
    found: list[dict[str, Records]]


class Logbook:
    """The memory, and who writes it. All calls come from the event loop's thread."""

    def __init__(self, counting: Counting, files: Files | None, most: int) -> None:
        """Keep requests.

        Args:
            counting: is told of what is kept and of what is lost.
            files: where they go; None where nothing is kept.
            most: bytes in memory at once, half of them while the other half is written.
        """
        self._counting = counting
        self._files = files
        self._most = most
        self._free: list[Area] | None = None
        self._filling: _Batch | None = None
        self._full: list[_Batch] = []
        """What is written next."""
        self._later: dict[str, float] = {}
        """By model, the hour that no request has told of yet."""
        self._over = False
        """Whether what is being filled is written as soon as nothing else is."""
        self._due = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    def offer(
        self,
        turn: Turn,
        inputs: Inputs,
        answer: NDArray[np.float32] | None,
        seconds: float,
        challenger: Variant | None = None,
    ) -> None:
        """Keep a request, or a copy of it, if there is room.

        Most requests are taken by the records that their variant has (`Served.records`), without
        this.

        Args:
            turn: the request's.
            inputs: by name, `[rows, columns]`.
            answer: `[rows, classes]` or `[rows, 1]`; None where the variant failed.
            seconds: until it was answered; of a copy, that it was computed.
            challenger: who answered the copy; None of the request itself.
        """
        for _ in range(2):
            batch = self._filling or self._begun()
            if batch is None:
                break
            if self._kept(batch, turn, inputs, answer, seconds, challenger):
                return
            if not batch.area.used:
                break
            self._turn_over()
        rows = len(next(iter(inputs.values())))
        self._counting.lost(turn.served.deployment, challenger or turn.variant, rows)

    async def close(self) -> None:
        """Write what waits."""
        while self._keeping is not None and not self._keeping.done():
            self._write_soon()
            await asyncio.wait({self._keeping}, timeout=0.1)
        if self._files is not None:
            await asyncio.to_thread(self._files.close)

    def _kept(
        self,
        batch: _Batch,
        turn: Turn,
        inputs: Inputs,
        answer: NDArray[np.float32] | None,
        seconds: float,
        challenger: Variant | None,
    ) -> bool:
        records = self._records(batch, turn, challenger, answer is None)
        at = turn.at
        if at is None:
            at = turn.began + batch.ahead
        else:
            model = turn.served.deployment.model
            if at >= self._later.get(model, 0.0):
                # the hours before it are over, which somebody may wait for
                self._later[model] = (at // _HOUR + 1) * _HOUR
                self._write_soon()
            records.until = self._later[model]
        return records.keep(at, seconds, turn.named, turn.request_id, turn.entity, inputs, answer)

    def _records(
        self, batch: _Batch, turn: Turn, challenger: Variant | None, failed: bool
    ) -> Records:
        """Where a request goes."""
        served, variant = turn.served, challenger or turn.variant
        # both live as long as their records, so that nothing else is met by their numbers
        key = id(served.deployment), id(variant), challenger is not None, failed
        if (found := batch.records.get(key)) is None:
            of = _whose(turn, challenger)
            found = batch.records[key] = of, Records(batch.area, batch.ahead)
        records = found[1]
        if challenger is None and not failed and served.records.get(variant.name) is not records:
            served.records[variant.name] = records
            batch.found.append(served.records)
        return records

    def _begun(self) -> _Batch | None:
        """A batch to be filled; None where nothing is kept, or no memory is free."""
        if self._files is None:
            return None
        if self._free is None:
            self._free = areas_in(self._files.memory(self._most))
        if not self._free:
            return None
        self._filling = _Batch(self._free.pop(), time.time() - time.monotonic(), {}, [])
        if self._keeping is None or self._keeping.done():
            self._keeping = asyncio.get_running_loop().create_task(self._keep())
        return self._filling

    def _write_soon(self) -> None:
        self._over = True
        self._due.set()

    def _turn_over(self) -> None:
        """Fill another half from now on, if there is one; what is full is written next."""
        batch, self._filling, self._over = self._filling, None, False
        assert batch is not None
        for records in batch.found:
            records.clear()
        self._full.append(batch)
        self._due.set()

    async def _keep(self) -> None:
        """Write all that has come until a half is full, an hour is over, or for some seconds."""
        while self._full or self._filling is not None:
            if not self._full and not self._over:
                self._due.clear()
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._due.wait(), WAITING_SECONDS)
            if not self._full:
                self._turn_over()
            await self._write(self._full.pop(0))

    async def _write(self, batch: _Batch) -> None:
        assert self._files is not None and self._free is not None
        for page in (Page(*each) for each in batch.records.values()):
            tell = self._counting.logged
            try:
                if page.rows:
                    await self._files.write(page)
            except Exception as error:  # no reason to stop serving
                _log.warning("%d rows are not logged: %s", page.rows, error)
                tell = self._counting.lost
            tell(page.of.deployment, page.of.variant, page.rows)
        batch.area.clear()
        self._free.append(batch.area)


def _whose(turn: Turn, challenger: Variant | None) -> Whose:
    variant = challenger or turn.variant
    model = turn.served.models[variant.name]
    deployment = turn.served.deployment
    return Whose(deployment, variant, challenger is not None, model.inputs, model.classes)
