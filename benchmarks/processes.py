"""Memory and processor time of a service of the stack, with all its processes."""

from __future__ import annotations

import psutil

from infra.stack import Stack


def memory(stack: Stack, service: str) -> float:
    """MB that nobody else has (USS)."""
    return sum(process.memory_full_info().uss for process in _of(stack, service)) / 1e6


def cpu_seconds(stack: Stack, service: str) -> float:
    """Seconds of a core that it has used so far."""
    times = [process.cpu_times() for process in _of(stack, service)]
    return sum(each.user + each.system for each in times)


def _of(stack: Stack, service: str) -> list[psutil.Process]:
    return [psutil.Process(pid) for pid in stack.pids(service)]
