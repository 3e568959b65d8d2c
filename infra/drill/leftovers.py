"""What a killed process may leave behind on the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

from infra.drill import victims
from infra.stack import Stack, orphans

_PATIENCE_SECONDS = 20.0
_PAUSE_SECONDS = 0.5


def leftovers(stack: Stack) -> list[str]:
    """Resources of Ray that nobody uses and nobody gets, and processes that nobody owns."""
    return _in_ray(stack) + _orphans(stack)


def _in_ray(stack: Stack) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "infra.drill.ray_look", stack.urls["ray"]],
        env={**os.environ, **stack.env},
        capture_output=True,
        text=True,
        timeout=6 * _PATIENCE_SECONDS,
    )
    if done.returncode != 0:
        return [f"Ray could not be asked: {done.stderr.strip()[-300:]}"]
    found: list[str] = json.loads(done.stdout)
    return found


def _orphans(stack: Stack) -> list[str]:
    """Marked processes that are not below the supervisor; some need a moment to end."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while left := _outside(stack):
        if time.monotonic() > deadline:
            return left
        time.sleep(_PAUSE_SECONDS)
    return []


def _outside(stack: Stack) -> list[str]:
    above = victims.supervisor(stack)
    if above is None:
        return ["the supervisor does not run"]
    inside = {above.pid, *(process.pid for process in above.children(recursive=True))}
    marked = orphans.find(stack.config.layout.stack_id)
    return [
        f"process {process.pid} ({process.name()}) belongs to nobody"
        for process in marked
        if process.pid not in inside and process.is_running()
    ]
