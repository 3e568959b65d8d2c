"""One life after the other: ours, a plain script's, Prefect's and ZenML's, in turn."""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import psutil
import torch

from benchmarks.lifecycle.ours import Ours
from benchmarks.orchestration import install
from benchmarks.orchestration.entrants import EntrantFailed, running
from benchmarks.results import Row, row
from infra.stack import Stack
from perennial.client import Client

ROUNDS = "PERENNIAL_BENCH_ROUNDS"
_ROUNDS = 9
_EPOCHS = 5
_TARGET = 2.0
_SETTLE_SECONDS = 120.0
_IDLE_SECONDS = 0.05  # of a processor, in a second
_HERE = Path(__file__).parent
_LIBRARIES = str(Path(torch.__file__).parents[1])

OURS, PLAIN, PREFECT, ZENML = "Perennial", "a plain script", "Prefect", "ZenML"


class Job(NamedTuple):
    """One life."""

    epochs: int


def _module(python: Path, name: str, *arguments: object) -> list[str]:
    return [str(python), "-m", f"benchmarks.lifecycle.{name}", *map(str, arguments)]


def _prefect(folder: Path) -> list[str]:
    python = install.python_peer("prefect")
    return _module(python, "peers.prefect_flow", folder, _LIBRARIES)


def _zenml(folder: Path) -> list[str]:
    python = install.python_peer("zenml", _HERE / "peers")
    return _module(python, "peers.zenml_pipeline", folder, _LIBRARIES)


_OTHERS: dict[str, Callable[[Path], list[str]]] = {
    PLAIN: lambda folder: _module(Path(sys.executable), "plain"),
    PREFECT: _prefect,
    ZENML: _zenml,
}

Taken = dict[str, list[float]]
"""Seconds, by entrant or by part of ours."""


def run() -> list[Row]:
    """Seconds a life, ratios to the plain script, and ours by part."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder, ExitStack() as open_:
        stack = Stack(Path(folder) / "stack", Stack.free_ports(), die_with=os.getpid())
        open_.callback(stack.down)
        stack.up()
        os.environ |= stack.env
        ours = Ours(open_.enter_context(Client.local()))
        # one thread for torch, as the stack gives its own processes
        env = stack.env | {"OMP_NUM_THREADS": stack.config.process_environment()["OMP_NUM_THREADS"]}
        measures: dict[str, Callable[[], float]] = {}
        parts: Taken = defaultdict(list)

        def lived() -> float:
            seconds = ours.measure(_EPOCHS)
            for part, value in seconds.items():
                parts[part].append(value)
            return sum(seconds.values())

        measures[OURS] = lived
        for name, command in _OTHERS.items():
            print(f"  starting {name}", flush=True)
            place = Path(folder) / name.replace(" ", "-")
            process = open_.enter_context(running(name, command, place, env))
            measures[name] = partial(process.measure, Job(_EPOCHS))
        taken = _measure(measures, parts, lambda: _settle(stack))
    return [row("load average before", load, "processes"), *_rows(taken), *_parts(parts)]


def _measure(
    measures: dict[str, Callable[[], float]], parts: Taken, settle: Callable[[], None]
) -> Taken:
    taken: Taken = defaultdict(list)
    rounds = int(os.environ.get(ROUNDS, _ROUNDS))
    for number in range(-1, rounds):
        print(f"  round {number + 1} of {rounds}", flush=True)
        # who comes first changes, so that nobody always follows the same one
        for name in list(measures)[:: 1 if number % 2 else -1]:
            settle()
            taken[name].append(measures[name]())
        if number < 0:  # it fills caches, and loads what is loaded when it is first needed
            taken.clear()
            parts.clear()
    return taken


def _settle(stack: Stack) -> None:
    """Wait until the process of the next training has loaded its libraries, out of everybody's way.

    Raises:
        EntrantFailed: it did not come.
    """
    until = time.monotonic() + _SETTLE_SECONDS
    used: dict[int, float] = {}
    while time.monotonic() < until:
        with contextlib.suppress(psutil.NoSuchProcess):
            processes = [psutil.Process(pid) for pid in stack.pids("ray")]
            idle = [process for process in processes if process.cmdline()[:1] == ["ray::IDLE"]]
            # before that it only waits, to see whether it has work
            spares = [process for process in idle if _has_loaded(process)]
            now = {spare.pid: sum(spare.cpu_times()[:2]) for spare in spares}
            known = now and now.keys() == used.keys()
            if known and max(now[pid] - used[pid] for pid in now) < _IDLE_SECONDS:
                return
            used = now
        time.sleep(1.0)
    raise EntrantFailed("Ray has no process ready for the next training")


def _has_loaded(process: psutil.Process) -> bool:
    return any("libtorch" in part.path for part in process.memory_maps())


def _rows(taken: Taken) -> list[Row]:
    median = {name: statistics.median(values) for name, values in taken.items()}
    rows = [row(name, median[name], "s") for name in (OURS, PLAIN, PREFECT, ZENML)]
    for name in (OURS, PREFECT, ZENML):
        target = _TARGET if name == OURS else None
        rows.append(
            row(name, median[name], "s", target=target, peer=PLAIN, peer_value=median[PLAIN])
        )
    return rows


def _parts(parts: Taken) -> list[Row]:
    return [row(f"{OURS}: {part}", statistics.median(taken), "s") for part, taken in parts.items()]
