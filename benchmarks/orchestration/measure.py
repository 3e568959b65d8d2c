"""20 steps in sequence, and 100 workflows of 5 at once: every system in turn, round by round."""

from __future__ import annotations

import os
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from benchmarks.orchestration.entrants import (
    DBOS,
    ENTRANTS,
    OURS,
    PLAIN,
    Entrant,
    Running,
    running,
)
from benchmarks.orchestration.talk import Job
from benchmarks.results import Row, row
from infra.stack import Stack

ROUNDS = "PERENNIAL_BENCH_ROUNDS"
_ROUNDS = 11

_SEQUENCE = "20 steps in sequence"
_CROWD = "100 workflows of 5 steps"
# Of a kind of step; only Temporal has two, hence others are compared by their one.
_STEP, _SHORT = "step", "short"
_WORDS = {_STEP: "activities", _SHORT: "local activities"}
_CASES = [(shape, kind) for shape in (_SEQUENCE, _CROWD) for kind in (_STEP, _SHORT)]

# What a step of ours may take of a step of theirs. Throughput is its inverse: at or above DBOS's.
_TARGETS = {
    (_SEQUENCE, _STEP, PLAIN): 1.1,
    (_SEQUENCE, _SHORT, DBOS): 1.5,
    (_CROWD, _STEP, PLAIN): 1.1,
    (_CROWD, _STEP, DBOS): 1.0,
    (_CROWD, _SHORT, DBOS): 1.0,
}

Taken = dict[tuple[str, str, str], list[float]]
"""Milliseconds a step, by shape, kind and entrant."""


def run() -> list[Row]:
    """Milliseconds a step, of every system and as ratios of ours to theirs."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder, ExitStack() as open_:
        stack = Stack(Path(folder) / "stack", Stack.free_ports(), die_with=os.getpid())
        open_.callback(stack.down)
        stack.up(only=["temporal"])
        entrants = []
        for entrant in ENTRANTS:
            print(f"  starting {entrant.name}", flush=True)
            place = Path(folder) / entrant.name.replace(" ", "-")
            process = running(entrant.name, entrant.command, place, stack.env)
            entrants.append((entrant, open_.enter_context(process)))
        taken = _measure(entrants, int(os.environ.get(ROUNDS, _ROUNDS)))
    return [
        row("load average before", load, "processes"),
        *_absolute(taken),
        *_ratios(taken),
    ]


def _measure(entrants: list[tuple[Entrant, Running]], rounds: int) -> Taken:
    taken: Taken = defaultdict(list)
    for number in range(-1, rounds):  # the first fills caches and is not kept
        print(f"  round {number + 1} of {rounds}", flush=True)
        for (shape, kind), entrant, process in _turns(entrants, number):
            job = Job(1, 20, kind) if shape == _SEQUENCE else Job(entrant.crowd, 5, kind)
            milliseconds = process.measure(job) / (job.workflows * job.steps) * 1000
            if number >= 0:
                taken[shape, kind, entrant.name].append(milliseconds)
    return taken


def _turns(
    entrants: list[tuple[Entrant, Running]], number: int
) -> Iterator[tuple[tuple[str, str], Entrant, Running]]:
    """Case by case, so that those who are compared are measured within seconds of each other."""
    # who comes first changes, so that nobody always follows the same one
    order = entrants if number % 2 else entrants[::-1]
    for case in _CASES:
        for entrant, process in order:
            if number < entrant.rounds and (case[1] == _STEP or entrant.short):
                yield case, entrant, process


def _absolute(taken: Taken) -> list[Row]:
    return [
        row(f"{shape}: {name}{_of(kind, name)}", statistics.median(values), "ms")
        for (shape, kind, name), values in sorted(taken.items())
    ]


def _ratios(taken: Taken) -> list[Row]:
    rows = []
    for shape, kind in _CASES:
        ours = statistics.median(taken[shape, kind, OURS])
        for peer in (entrant for entrant in ENTRANTS if entrant.name != OURS):
            theirs = taken[shape, kind if peer.short else _STEP, peer.name]
            rows.append(
                row(
                    f"{shape}: {OURS}{_of(kind, OURS)}",
                    ours,
                    "ms",
                    target=_TARGETS.get((shape, kind, peer.name)),
                    peer=f"{peer.name}{_of(kind, peer.name)}",
                    peer_value=statistics.median(theirs),
                )
            )
    return rows


def _of(kind: str, name: str) -> str:
    return f", {_WORDS[kind]}" if name in (OURS, PLAIN) else ""
