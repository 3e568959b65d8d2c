"""Find and end processes of a stack by the mark in their environment.

A supervisor that is killed outright leaves its children behind, and Ray's workers outlive a
killed `ray start` for a while. Names and ports say nothing about whose they are; the mark does.
"""

from __future__ import annotations

import contextlib
import os

import psutil

from infra.stack.layout import SERVICE, STACK_ID


def find(stack_id: str, service: str | None = None) -> list[psutil.Process]:
    """The processes of the stack, or of one of its services, this process's own line left out."""
    me = psutil.Process()
    mine = {os.getpid(), *(parent.pid for parent in me.parents())}
    found = []
    for process in psutil.process_iter(["pid", "status"]):
        if process.pid in mine or process.info["status"] == psutil.STATUS_ZOMBIE:
            continue
        with contextlib.suppress(psutil.Error, OSError):
            environ = process.environ()
            if environ.get(STACK_ID) != stack_id:
                continue
            if service is None or environ.get(SERVICE) == service:
                found.append(process)
    return found


def end(processes: list[psutil.Process], grace: float = 3.0) -> int:
    """Ask the processes to stop, kill those that do not, and say how many there were."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=grace)
    kill(alive)
    return len(processes)


def kill(processes: list[psutil.Process]) -> None:
    """Kill the processes and wait until they are gone."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(processes, timeout=5)
