"""Bodies of requests, as they arrive: so many bytes, for so long, so many at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from serving.counting import Counting
from serving.errors import TooBusy, TooLarge, TooSlow
from serving.limits import Limits

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]

_LOOK_SECONDS = 1.0


class Bodies:
    """Reads bodies.

    One look a second ends those that take too long: a timer for each would cost more than most of
    them take to be read.
    """

    def __init__(self, limits: Limits, counting: Counting) -> None:
        self._limits = limits
        self._counting = counting
        self._reading: dict[asyncio.Task[Any], float] = {}
        self._held: dict[Callable[[TooSlow], None], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._looking = False

    async def read(self, length: int | None, receive: Receive) -> bytes:
        """A request's body.

        Args:
            length: as the caller told it; None where they did not.
            receive: as ASGI has it.

        Raises:
            TooLarge: it has more bytes than are taken.
            TooSlow: it has not arrived in time.
            TooBusy: too many others are still arriving.
        """
        limits = self._limits
        if length is not None and length > limits.body_bytes:
            raise TooLarge(f"a body of {length} bytes is more than the {limits.body_bytes} taken")
        if not self._has_room():
            self._counting.turned_away += 1
            raise TooBusy(f"{limits.arriving} requests are arriving; come back in a second")
        task = asyncio.current_task()
        assert task is not None  # a server runs each request in one
        self._reading[task] = time.monotonic()
        self._look_soon()
        try:
            message = await receive()
            if not message.get("more_body"):
                whole: bytes = message.get("body", b"")
                return whole
            return await self._rest(message, receive)
        except asyncio.CancelledError:
            if task not in self._late:
                raise
            self._late.discard(task)
            task.uncancel()
            raise self._too_slow() from None
        finally:
            del self._reading[task]

    def hold(self, late: Callable[[TooSlow], None]) -> bool:
        """Whether there is room for a body that somebody else puts together, until `let_go`.

        Args:
            late: called, instead of `let_go`, where the body takes too long.
        """
        if not self._has_room():
            return False
        self._held[late] = time.monotonic()
        self._look_soon()
        return True

    def let_go(self, late: Callable[[TooSlow], None]) -> None:
        """What was held is there, or will never be."""
        self._held.pop(late, None)

    def _has_room(self) -> bool:
        return len(self._reading) + len(self._held) < self._limits.arriving

    def _look_soon(self) -> None:
        if not self._looking:
            self._looking = True
            asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    async def _rest(self, message: Message, receive: Receive) -> bytes:
        parts, most = [message.get("body", b"")], self._limits.body_bytes
        size = len(parts[0])
        while message.get("more_body"):
            message = await receive()
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > most:
                raise TooLarge(f"the body is more than the {most} bytes that are taken")
        return b"".join(parts)

    def _look(self) -> None:
        oldest = time.monotonic() - self._limits.seconds
        for task, began in self._reading.items():
            if began < oldest and task not in self._late:
                self._late.add(task)
                task.cancel()
        for late in [each for each, began in self._held.items() if began < oldest]:
            del self._held[late]
            late(self._too_slow())
        self._looking = False
        if self._reading or self._held:
            self._look_soon()

    def _too_slow(self) -> TooSlow:
        return TooSlow(f"the body has not arrived within {self._limits.seconds:g} s")
