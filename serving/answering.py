"""A request's turn at a variant: read, computed within limits, counted, and copied where asked."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from perennial.contracts.serving import WHOLE, Variant
from serving.computing import Inputs, computed
from serving.copying import Copy, Copying
from serving.errors import ModelFailed, RequestRefused, TooBusy, TooLate
from serving.logbook import Files, Logbook

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serving.counting import Counting
    from serving.desk import Served
    from serving.limits import Limits
    from serving.model import Model

_Read = TypeVar("_Read")


class Turn(NamedTuple):
    """Who answers a request.

    Attributes:
        served: by which deployment.
        variant: of it.
        model: that the variant is.
        named: whether the caller asked for this variant. Testers choose their requests, so these
            say nothing of how variants compare on the others': they are not counted.
        began: when the request came, on the monotonic clock.
        seconds: after which the caller no longer waits.
        request_id: theirs, or one that was made for them.
        entity: whose value decided who answers, if any.
        at: of what moment it is, in seconds since 1970; None: of the one when it came.
    """

    served: Served
    variant: Variant
    model: Model
    named: bool
    began: float
    seconds: float
    request_id: bytes
    entity: bytes | None
    at: float | None = None


class Answering:
    """Answers turns, and counts what became of them. What it failed at is counted too."""

    def __init__(self, limits: Limits, counting: Counting, files: Files | None) -> None:
        """Answer.

        Args:
            limits: how much is taken.
            counting: told of every answer.
            files: of the log of requests; None where there is none.
        """
        self._limits = limits
        self._counting = counting
        self._logbook = Logbook(counting, files, limits.log_bytes)
        self._copying = Copying(counting, self._logbook, limits.rows)
        self._under_way = 0
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="large-requests")

    def read(self, turn: Turn, convert: Callable[[Model], _Read]) -> _Read:
        """The request as the turn's model takes it. Raises RequestRefused."""
        try:
            return convert(turn.model)
        except RequestRefused:
            if not turn.named:
                self._counting.refused(turn.served.deployment, turn.variant, turn.entity)
            raise

    def is_short(self, inputs: Inputs) -> bool:
        """Whether so few rows are computed at once; others in a thread, beside other requests."""
        return _rows(inputs) <= self._limits.inline_rows

    def computed(
        self, turn: Turn, inputs: Inputs, convert: Callable[[Model], Inputs]
    ) -> tuple[NDArray[np.float32], float]:
        """What the variant answers, and the seconds that took; then `answered` is to be called.

        Args:
            turn: the request's.
            inputs: by name, for the turn's model.
            convert: the same for another model, which may take others.

        Raises:
            ModelFailed: its graph did.
            TooBusy: too many wait for theirs.
            TooLate: the caller's time is over.
        """
        try:
            self._check(turn)
            return computed(turn.model, inputs)
        except (ModelFailed, TooLate) as error:
            self._failed(turn, inputs, convert, error)
            raise

    async def beside(
        self, turn: Turn, inputs: Inputs, convert: Callable[[Model], Inputs]
    ) -> NDArray[np.float32]:
        """The same in a thread, so that others are answered meanwhile, and all that follows."""
        try:
            self._check(turn)
            found, took = await self._in_thread(turn, inputs)
        except (ModelFailed, TooLate) as error:
            self._failed(turn, inputs, convert, error)
            raise
        self.answered(turn, inputs, convert, found, took)
        return found

    async def close(self) -> None:
        """Write what is to be logged and waits."""
        await self._copying.close()
        await self._logbook.close()

    def answered(
        self,
        turn: Turn,
        inputs: Inputs,
        convert: Callable[[Model], Inputs],
        found: NDArray[np.float32] | None,
        took: float,
    ) -> None:
        """Count it, and log and copy it where that is wanted."""
        seconds, served = time.monotonic() - turn.began, turn.served
        if not turn.named:
            self._counting.answered(served.deployment, turn.variant, seconds, found, turn.entity)
        logged = None
        if (share := served.logged) and (share == 1 or random.random() < share):
            logged = turn
            records = served.records.get(turn.variant.name)
            if found is None or records is None or not records.take(turn, seconds, inputs, found):
                self._logbook.offer(turn, inputs, found, seconds)
        copies = served.router.copies
        if copies and not turn.named and random.random() * WHOLE < copies.challenger.shadow:
            rows = _rows(inputs)
            self._copying.offer(Copy(served, copies, rows, convert, found, took, logged))

    def _failed(
        self,
        turn: Turn,
        inputs: Inputs,
        convert: Callable[[Model], Inputs],
        error: ModelFailed | TooLate,
    ) -> None:
        """Count it. What came too late was never asked, so there is nothing to log."""
        if isinstance(error, ModelFailed):
            self.answered(turn, inputs, convert, None, 0.0)
        elif not turn.named:
            seconds = time.monotonic() - turn.began
            deployment = turn.served.deployment
            self._counting.answered(deployment, turn.variant, seconds, None, turn.entity)

    def _check(self, turn: Turn) -> None:
        """Raises TooBusy or TooLate."""
        if self._under_way >= self._limits.waiting:
            self._counting.turned_away += 1
            raise TooBusy(f"{self._limits.waiting} requests are under way; come back in a second")
        if time.monotonic() - turn.began > turn.seconds:
            raise TooLate(f"the request has waited longer than its {turn.seconds:g} s")

    async def _in_thread(self, turn: Turn, inputs: Inputs) -> tuple[NDArray[np.float32], float]:
        """The answer and the seconds it took to compute."""
        self._under_way += 1
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(turn.seconds - (time.monotonic() - turn.began)):
                return await loop.run_in_executor(self._threads, computed, turn.model, inputs)
        except TimeoutError:
            raise TooLate(f"the request was not answered in its {turn.seconds:g} s") from None
        finally:
            self._under_way -= 1


def _rows(inputs: Inputs) -> int:
    return len(next(iter(inputs.values())))
