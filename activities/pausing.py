"""Pauses of activities that look again and again."""

from __future__ import annotations

import asyncio
import time

from temporalio import activity

from perennial.contracts.base import Contract
from perennial.contracts.errors import Unavailable

_BEAT_SECONDS = 5.0


async def pause(seconds: float, *state: Contract) -> None:
    """Wait for the next look, with heartbeats meanwhile.

    Args:
        seconds: until then.
        state: told with each heartbeat; the next attempt goes on from it.

    Raises:
        Unavailable: this worker shuts down.
    """
    over = time.monotonic() + seconds
    shutdown = asyncio.ensure_future(activity.wait_for_worker_shutdown())
    try:
        while (left := over - time.monotonic()) > 0:
            await asyncio.wait({shutdown}, timeout=min(left, _BEAT_SECONDS))
            if shutdown.done():
                raise Unavailable("this worker shuts down; the next attempt goes on watching")
            activity.heartbeat(*state)
    finally:
        shutdown.cancel()
