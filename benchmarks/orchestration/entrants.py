"""The systems that are measured, each in a process that stays warm."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from benchmarks.orchestration import install
from infra.stack.layout import CHECKOUT
from perennial.contracts.errors import PerennialError

_JOB_SECONDS = 300.0
_STOP_SECONDS = 30.0


class EntrantFailed(PerennialError):
    """A system that was to be measured did not do its job."""


@dataclass(frozen=True)
class Entrant:
    """One system.

    Attributes:
        name: as the results call it.
        command: given a folder for its data, what to run; may install it first.
        short: whether it has a cheaper form for short steps.
        crowd: how many workflows it is given at once. A slow one gets fewer: it is the time of a
            step that is compared.
        rounds: how often it is measured at most.
    """

    name: str
    command: Callable[[Path], list[str]]
    short: bool = False
    crowd: int = 100
    rounds: int = 1000


def _module(python: Path, name: str, *arguments: object) -> list[str]:
    return [str(python), "-m", f"benchmarks.orchestration.{name}", *map(str, arguments)]


def _restate(folder: Path) -> list[str]:
    script = Path(__file__).parent / "peers" / "restate" / "steps.mjs"
    return ["node", str(script), str(install.node_peer("restate")), str(folder)]


OURS = "Perennial"
PLAIN = "plain Temporal"
DBOS = "DBOS"
RESTATE = "Restate"
PREFECT = "Prefect"

ENTRANTS = (
    Entrant(OURS, lambda folder: _module(Path(sys.executable), "ours"), short=True),
    Entrant(PLAIN, lambda folder: _module(Path(sys.executable), "plain"), short=True),
    Entrant(DBOS, lambda folder: _module(install.python_peer("dbos"), "peers.dbos_steps", folder)),
    Entrant(RESTATE, _restate),
    Entrant(
        PREFECT,
        lambda folder: _module(install.python_peer("prefect"), "peers.prefect_steps", folder),
        crowd=20,
        rounds=3,
    ),
)


class Running:
    """An entrant's process."""

    def __init__(self, name: str, process: subprocess.Popen[str], log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log

    def measure(self, job: NamedTuple) -> float:
        """Do a job, and return how many seconds it took, by the entrant's own clock.

        Raises:
            EntrantFailed: it ended, or did not answer in time.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job._asdict()) + "\n")
        self._process.stdin.flush()
        return float(self.answer(f"to {job}"))

    def answer(self, what: str) -> str:
        """Its next line."""
        assert self._process.stdout is not None
        timer = threading.Timer(_JOB_SECONDS, self._process.kill)
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if not line:
            said = self._log.read_text(errors="replace")[-2000:]
            raise EntrantFailed(f"{self._name} gave no answer {what}; it said: {said}")
        return line.strip()


@contextmanager
def running(
    name: str, command: Callable[[Path], list[str]], folder: Path, env: Mapping[str, str]
) -> Iterator[Running]:
    """Start an entrant, wait until it is ready, and end it by ending its input.

    Args:
        name: as the results call it.
        command: given a folder for its data, what to run; may install it first.
        folder: an empty one, made anew for its data.
        env: added to its environment.
    """
    folder.mkdir()
    log = folder / "log.txt"
    data = folder / "data"
    data.mkdir()
    with log.open("w") as errors:
        process = subprocess.Popen(
            command(data),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            cwd=CHECKOUT,
            env={**os.environ, **env, "PYTHONPATH": str(CHECKOUT)},
        )
    assert process.stdin is not None
    try:
        here = Running(name, process, log)
        here.answer("at its start")
        yield here
        process.stdin.close()
        process.wait(_STOP_SECONDS)
    finally:
        process.kill()
        process.wait()
