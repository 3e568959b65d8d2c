"""Cores that this process may use: those that it may run on, and what its container has of them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def cores(root: Path = Path("/")) -> int:
    """Whole cores, at least one. A part of one more would only have two processes wait in turns.

    Args:
        root: of the file system that tells of control groups.
    """
    # macOS has no such call, and no control groups either
    here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([here, *(int(quota) for quota in _quotas(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Cores that each control group above this process may use, where one is bounded."""
    groups = root / "sys/fs/cgroup"
    for each in _places(root / "proc/self/cgroup"):
        told = _words(groups / each / "cpu.max")
        if len(told) == 2 and told[0] != "max":
            yield int(told[0]) / int(told[1])
    quota, period = (_words(groups / f"cpu/cpu.cfs_{name}_us") for name in ("quota", "period"))
    if quota and period and int(quota[0]) > 0:
        yield int(quota[0]) / int(period[0])


def _places(told: Path) -> Iterator[PurePosixPath]:
    """Folders of the group of version 2 that this process is in, and of those around it."""
    yield PurePosixPath()
    for line in _lines(told):
        if line.startswith("0::/"):
            place = PurePosixPath(line[4:])
            yield from (each for each in (place, *place.parents) if each.parts)


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
