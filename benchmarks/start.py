"""How long until the stack is ready, how long until the command line answers, and who eats what.

The stack is one of its own, on free ports in a temporary folder, started twice: the second start
is the warm one.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.results import Row, row
from infra.stack import Stack

WARM_UP_SECONDS = 25.0
HELP_SECONDS = 0.3
_REPEATS = 9


def run() -> list[Row]:
    """Rows: warm start of the stack, `perennial --help`, memory of each idle service."""
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        stack = Stack(Path(folder), Stack.free_ports())
        try:
            stack.up()
            stack.down()
            began = time.perf_counter()
            stack.up()
            rows = [row("warm start of the stack", _since(began), "s", target=WARM_UP_SECONDS)]
            rows += [
                row(f"idle memory: {service}", _memory(stack.pids(service)), "MB")
                for service in stack.services
            ]
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


def _memory(pids: list[int]) -> float:
    """Unshared memory of processes and their descendants, in MB."""
    total = 0
    for pid in pids:
        try:
            total += psutil.Process(pid).memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


def _since(began: float) -> float:
    return time.perf_counter() - began
