"""A process that others need not wait for, although it has its share of the core.

A lower priority says how much a process gets, not when: under Linux one that works may finish
its slice, some milliseconds, while another that has woken waits. One that asks for long slices
gives way at once to those that have not (`sched(7)`, `sched_setattr(2)`; Linux 6.12 and later).
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

_SET_ATTR = {"x86_64": 314, "aarch64": 274}
"""Numbers of the system call, which the C library does not know everywhere."""
_ATTR = struct.Struct("<IIQiIQQQ")
"""Size, policy, flags, nice, priority, runtime, deadline, period."""
_SLICE_NS = 100_000_000
"""The longest that there is."""


def stand_back(nice: int) -> None:
    """Let others go first from now on.

    Older kernels, and other systems, know the priority alone.

    Args:
        nice: how much lower the priority of this process becomes.
    """
    value = os.nice(nice)
    number = _SET_ATTR.get(platform.machine()) if platform.system() == "Linux" else None
    if number is not None:
        attr = _ATTR.pack(_ATTR.size, os.SCHED_OTHER, 0, value, 0, _SLICE_NS, 0, 0)
        ctypes.CDLL(None).syscall(number, 0, attr, 0)  # refused: as before
