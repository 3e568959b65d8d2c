"""How a worker process stops: it finishes what is in flight, and does not hang."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta

DRAIN = timedelta(seconds=20)
"""How long activities in flight may go on; then they are cancelled, and retried elsewhere."""

LONGEST = DRAIN + timedelta(seconds=5)
"""When a process that was asked to stop is gone, whatever it hangs in. Whoever asks (supervisor,
Kubernetes) must be more patient than this, or it kills what would have finished."""


def asked_to_stop() -> asyncio.Event:
    """An event that SIGTERM or SIGINT sets. The second of them ends the process at once.

    Called when the worker is about to poll: before that nothing is in flight, and a signal may end
    the process as usual. Both ways out are the kernel's, so that they work for a process whose
    event loop stands still or whose threads never end.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def begin() -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)
        signal.alarm(int(LONGEST.total_seconds()))
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, begin)
    return stop
