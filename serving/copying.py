"""Copies of the champion's requests: a challenger answers them for nobody, beside the champion.

They take no time of the request's: they wait in a bounded queue for a thread of their own. What
finds no room is missed and counted as that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from serving.computing import Inputs, computed
from serving.errors import ModelFailed, RequestRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serving.answering import Turn
    from serving.counting import Counting
    from serving.desk import Served
    from serving.logbook import Logbook
    from serving.model import Model
    from serving.routing import Copies

_AT_ONCE = 64
"""Copies that a thread answers before it tells of them."""


class Copy(NamedTuple):
    """A request that the champion has answered.

    Attributes:
        served: by which deployment.
        copies: who answers it again, and as whom the champion's answer is counted.
        rows: of it.
        convert: makes inputs of it for any model.
        answer: the champion's; None where it failed.
        seconds: that the champion computed.
        logged: the request's turn, where it is logged; its copy is then, too.
    """

    served: Served
    copies: Copies
    rows: int
    convert: Callable[[Model], Inputs]
    answer: NDArray[np.float32] | None
    seconds: float
    logged: Turn | None


class Outcome(NamedTuple):
    """What a challenger made of a copy.

    Attributes:
        inputs: as it takes them; None where it could not read what the champion could.
        answer: None where it failed.
        seconds: that it computed.
        disagreed: rows that it answered otherwise.
    """

    inputs: Inputs | None
    answer: NDArray[np.float32] | None = None
    seconds: float = 0.0
    disagreed: int = 0


class Copying:
    """The queue of copies, and the thread that answers them."""

    def __init__(self, counting: Counting, logbook: Logbook, most: int) -> None:
        """Answer copies.

        Args:
            counting: is told of each.
            logbook: keeps those whose request it keeps.
            most: rows that wait at once.
        """
        self._counting = counting
        self._logbook = logbook
        self._most = most
        self._waiting: deque[Copy] = deque()
        self._rows = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="copies")
        self._answering: asyncio.Task[None] | None = None

    def offer(self, copy: Copy) -> None:
        """Answer it some time, if there is room."""
        if self._rows + copy.rows > self._most:
            self._counting.missed(copy.served.deployment, copy.copies.challenger)
            return
        self._rows += copy.rows
        self._waiting.append(copy)
        if self._answering is None or self._answering.done():
            self._answering = asyncio.get_running_loop().create_task(self._answer())

    async def close(self) -> None:
        """Answer those that wait."""
        if self._answering is not None:
            await self._answering

    async def _answer(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            some = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
            outcomes = await loop.run_in_executor(self._thread, _outcomes, some)
            for copy, outcome in zip(some, outcomes, strict=True):
                self._rows -= copy.rows
                self._count(copy, outcome)

    def _count(self, copy: Copy, outcome: Outcome) -> None:
        counting, deployment = self._counting, copy.served.deployment
        challenger, control = copy.copies
        counting.answered(deployment, control, copy.seconds, copy.answer)
        if outcome.inputs is None:
            counting.refused(deployment, challenger)
            return
        counting.answered(deployment, challenger, outcome.seconds, outcome.answer)
        if copy.answer is not None and outcome.answer is not None:
            counting.compared(deployment, challenger, copy.rows, outcome.disagreed)
        if copy.logged is not None:
            self._logbook.offer(
                copy.logged,
                outcome.inputs,
                outcome.answer,
                outcome.seconds,
                challenger,
            )


def _outcomes(copies: list[Copy]) -> list[Outcome]:
    return [_outcome(copy) for copy in copies]


def _outcome(copy: Copy) -> Outcome:
    models, (challenger, control) = copy.served.models, copy.copies
    model = models[challenger.name]
    try:
        inputs = copy.convert(model)
    except RequestRefused:
        return Outcome(None)
    try:
        answer, seconds = computed(model, inputs)
    except ModelFailed:
        return Outcome(inputs)
    differ = 0
    if copy.answer is not None:
        tolerance = copy.served.deployment.tolerance
        differ = disagreeing(models[control.name], copy.answer, model, answer, tolerance)
    return Outcome(inputs, answer, seconds, differ)


def disagreeing(
    one: Model,
    ours: NDArray[np.float32],
    other: Model,
    theirs: NDArray[np.float32],
    tolerance: float,
) -> int:
    """Rows that two models answer differently.

    Args:
        one: the champion.
        ours: what it answered, `[rows, classes]` or `[rows, 1]`.
        other: the challenger.
        theirs: what it answered, of the same rows.
        tolerance: by how much of the champion's number another one may be off.

    Returns:
        Rows with another likeliest class, or with a number beyond the tolerance. All of them where
        one model predicts numbers and the other classes.
    """
    if bool(one.classes) != bool(other.classes):
        return len(ours)
    if not one.classes:
        return int((np.abs(theirs - ours) > tolerance * np.abs(ours)).sum())
    names, others = np.array(one.classes), np.array(other.classes)
    return int((names[ours.argmax(axis=1)] != others[theirs.argmax(axis=1)]).sum())
