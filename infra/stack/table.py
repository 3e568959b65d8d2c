"""The table that `make status` prints."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from infra.stack.stack import Stack

_HEAD = ("SERVICE", "STATE", "PID", "UPTIME", "MEMORY", "ADDRESS")


def table(stack: Stack) -> list[str]:
    """One line for each service; nothing when the stack is down."""
    states = stack.states()
    if not states:
        return []
    rows: list[tuple[str, ...]] = [_HEAD]
    for name in stack.services:
        state = states.get(name)
        address = stack.urls.get(name, "")
        if state is None or not state.pid:
            rows.append((name, state.state.lower() if state else "unknown", "", "", "", address))
            continue
        rows.append(
            (
                name,
                state.state.lower(),
                str(state.pid),
                duration(state.uptime),
                f"{memory(stack.pids(name)) / 2**20:.0f} MB",
                address,
            )
        )
    for name, address in stack.config.elsewhere.items():
        rows.append((name, "elsewhere", "", "", "", address))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def duration(seconds: float) -> str:
    """A span as people say it: 42 s, 3 min, 5 h, 2 days."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (unit != "days" and seconds >= size):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def memory(pids: list[int]) -> int:
    """Resident bytes of the processes; pages that they share count once for each."""
    total = 0
    for pid in pids:
        with contextlib.suppress(psutil.Error):
            total += psutil.Process(pid).memory_info().rss
    return total
