"""Seconds and memory of one entrant with one pair of frames, in a process of its own.

The standard library alone: it is also loaded in the peers' environments.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

_MB = 1024


def measure(judge: Callable[[], dict[str, Any]], rounds: int, enough: float = 60.0) -> None:
    """Do it some times, and say how long each took and how much memory it needed at most.

    Args:
        judge: from the window's frame to a verdict; returns what is to be compared.
        rounds: at most.
        enough: seconds after which there is no further one.
    """
    # libraries print; the answer keeps a channel of its own
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")  # the peak so far is forgotten
    before, seconds, found = _memory("VmRSS"), list[float](), dict[str, Any]()
    while len(seconds) < rounds and sum(seconds) < enough:
        began = time.perf_counter()
        found = judge()
        seconds.append(time.perf_counter() - began)
    more = _memory("VmHWM") - before
    json.dump({"seconds": seconds, "memory": more, "found": found}, answers)
    answers.close()


def told() -> tuple[Path, int]:
    """The file with the frames, and the rounds."""
    return Path(sys.argv[1]), int(sys.argv[2])


def _memory(which: str) -> float:
    """MB of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(which):
            return int(line.split()[1]) / _MB
    raise RuntimeError(f"no {which} in /proc/self/status")
