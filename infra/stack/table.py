"""The table that `make status` prints."""

from __future__ import annotations

import contextlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil

from infra.stack.probes import probes

if TYPE_CHECKING:
    from infra.stack.stack import Stack

_HEAD = ("SERVICE", "STATE", "PID", "UPTIME", "MEMORY", "ADDRESS")


def table(stack: Stack) -> list[str]:
    """One line for each service, then what is missing; nothing when the stack is down."""
    states = stack.states()
    if not states:
        return []
    running = {name: states[name].pid for name in stack.services if states[name].pid}
    missing = _missing(stack, running)
    rows: list[tuple[str, ...]] = [_HEAD]
    for name in stack.services:
        state, address = states[name], stack.urls.get(name, "")
        if name not in running:
            rows.append((name, state.state.lower(), "", "", "", address))
            continue
        ready = "not ready" if missing[name] else "ready"
        used = f"{memory(stack.pids(name)) / 2**20:.0f} MB"
        rows.append((name, ready, str(state.pid), duration(state.uptime), used, address))
    for name, address in stack.config.elsewhere.items():
        rows.append((name, "elsewhere", "", "", "", address))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return lines + [f"{name}: {reason}" for name, reason in missing.items() if reason]


def _missing(stack: Stack, running: dict[str, int]) -> dict[str, str | None]:
    """What each running service lacks, asked of all at the same time."""
    every = probes(stack.config, whole=len(running) == len(stack.services))
    with ThreadPoolExecutor() as pool:
        answers = pool.map(lambda name: every[name](running[name]), running)
        return dict(zip(running, answers, strict=True))


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
