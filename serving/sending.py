"""Answers of one round of the event loop, sent together.

What is sent wakes who waits for it. Where that is a process of the same machine, such as a proxy,
and answers leave one by one between requests that are computed, it has fallen asleep again before
the next one: under load a sixth of the time went into waking it. Answers that leave one behind the
other wake it once.
"""

from __future__ import annotations

import asyncio
import time

_LONGEST_SECONDS = 0.0005
"""After which no further request of a round is waited for. Models that take longer are slow beside
what waking costs."""


class Sending:
    """Of all connections of a process. All calls come from the event loop's thread."""

    def __init__(self) -> None:
        """Nothing waits."""
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []
        self._until = 0.0
        self._answers = 0
        self._alone = True

    def put(self, transport: asyncio.Transport, data: bytes, began: float) -> None:
        """Send an answer when the round ends, behind those that were put here before.

        All leave sooner where the oldest one's request began too long ago.

        Where the round before had one answer, nobody else is in a hurry: it is sent at once, and
        what is left to do for its request is done while it travels.

        Args:
            transport: on which.
            data: bytes.
            began: when the request came, on the monotonic clock.
        """
        if self._alone:
            transport.write(data)
        else:
            if not self._waiting:
                self._until = began + _LONGEST_SECONDS
            self._waiting.append((transport, data))
            if time.monotonic() > self._until:
                self.send()
        self._answers += 1
        if self._answers == 1:
            asyncio.get_running_loop().call_soon(self._end)

    def send(self) -> None:
        """Send all that waits."""
        waiting, self._waiting = self._waiting, []
        for transport, data in waiting:
            if not transport.is_closing():
                transport.write(data)

    def _end(self) -> None:
        """All that could be read has been answered."""
        self.send()
        self._alone, self._answers = self._answers == 1, 0
