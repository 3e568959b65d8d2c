"""How long until the stack is ready, how long until the command line answers, and who eats what.

Memory is by process, so that one that could be spared is seen.

The stack is one of its own, on free ports in a temporary folder, started twice: the second start
is the warm one.
"""

from __future__ import annotations

import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.results import Row, row
from infra.stack import Stack

WARM_UP_SECONDS = 20.0
HELP_SECONDS = 0.3
_REPEATS = 9
_IDLE_AFTER_SECONDS = 30.0  # workers load their libraries after they are ready


def run() -> list[Row]:
    """Rows: warm start of the stack, `perennial --help`, memory of the idle stack."""
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        stack = Stack(Path(folder), Stack.free_ports())
        try:
            stack.up()
            stack.down()
            began = time.perf_counter()
            stack.up()
            rows = [row("warm start of the stack", _since(began), "s", target=WARM_UP_SECONDS)]
            time.sleep(_IDLE_AFTER_SECONDS)
            rows += _memory(stack)
        finally:
            stack.down()
    return [*_help(), *rows]


def _help() -> list[Row]:
    """`perennial --help` beside a bare interpreter and MLflow's own command line."""
    folder = Path(sys.executable).parent
    ours = _median([str(folder / "perennial"), "--help"])
    bare = _median([sys.executable, "-c", "pass"])
    mlflow = _median([str(folder / "mlflow"), "--help"], repeats=3)
    return [
        row("perennial --help", ours, "s", target=HELP_SECONDS),
        row("perennial --help", ours, "s", peer="python -c pass", peer_value=bare),
        row("perennial --help", ours, "s", peer="mlflow --help", peer_value=mlflow),
    ]


def _median(command: list[str], repeats: int = _REPEATS) -> float:
    taken = []
    for _ in range(repeats + 1):
        began = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        taken.append(_since(began))
    return statistics.median(taken[1:])  # the first fills the file cache


def _memory(stack: Stack) -> list[Row]:
    """Unshared memory in MB: all, of each service, and of each process."""
    rows, whole = [], 0.0
    for service in stack.services:
        own: list[tuple[str, float]] = []
        for pid in stack.pids(service):
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                megabytes = process.memory_full_info().uss / 1e6
                own.append((_role(service, process.cmdline()) if own else "main", megabytes))
        total = sum(megabytes for _, megabytes in own)
        whole += total
        rows.append(row(f"idle memory: {service}", total, "MB"))
        if len(own) > 1:
            rows += [row(f"idle memory: {service}: {role}", value, "MB") for role, value in own]
    return [row("idle memory: the whole stack", whole, "MB"), *rows]


_ROLES = {
    "gcs_server": "cluster state (gcs_server)",
    "raylet/raylet": "node manager (raylet)",
    "ray::IDLE": "spare process for the next training",
    "ray::DashboardAgent": "dashboard agent",
    "ray::RuntimeEnvAgent": "runtime environment agent",
    "UsageStatsHead": "API server without its dashboard",
    "ray_process_reaper": "reaper",
    "util.client.server": "Ray Client server",
    "spawn_main": "answers requests",
    "serving.log_writer": "writes the log of requests",
    "resource_tracker": "tracker of shared memory",
}


def _role(service: str, command: list[str]) -> str:
    """What a process is for, by its command line, within its first arguments for long ones."""
    text = " ".join(command)
    if service == "ml" and "spawn_main" in text:
        return "link to Ray"
    return next((role for mark, role in _ROLES.items() if mark in text), text[:40])


def _since(began: float) -> float:
    return time.perf_counter() - began
