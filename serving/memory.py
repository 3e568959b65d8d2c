"""What becomes of memory that is free again."""

from __future__ import annotations

import contextlib
import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""glibc's names for what can be set: malloc.h."""
_KEPT = 64 * 1024 * 1024
_LARGE = 4 * 1024 * 1024


def keep() -> None:
    """Keep it for what comes next, up to some megabytes.

    What the system has taken back it hands out again a page at a time, cleared, and a microsecond
    each: a log that collects megabytes, and is written, would have each request pay for that.
    C libraries other than glibc are left as they are.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_TRIM_THRESHOLD, _KEPT)
        mallopt(_MMAP_THRESHOLD, _LARGE)
