"""What an activity says while it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from temporalio.testing import ActivityEnvironment


class Heartbeats:
    """The beats of one activity; a condition on them can be waited for."""

    def __init__(self, environment: ActivityEnvironment) -> None:
        self.seen: list[dict[str, Any]] = []
        self._changed = asyncio.Condition()
        self._loop = asyncio.get_running_loop()
        environment.on_heartbeat = self._take

    def _take(self, *details: Any) -> None:
        if details:
            self.seen.append(details[0])
            asyncio.run_coroutine_threadsafe(self._tell(), self._loop)

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first beat, past or to come, that fulfils the condition."""
        async with self._changed, asyncio.timeout(240):
            await self._changed.wait_for(lambda: any(map(condition, self.seen)))
        return next(filter(condition, self.seen))
