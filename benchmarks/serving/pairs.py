"""What the log of requests costs: processes with it and without it, under load in turn.

Servers that are measured minutes apart differ by more than the log costs, so each second of load
on the one has its second on the other beside it, and the ratios of these pairs are what counts.
Two processes of the very same code differ for as long as they live, mostly by 1 %, now and then by
4 and more, so they are started anew again and again, and the mean of all starts is said, with the
least and the most.

A third process has no log, and spends some time on nothing instead: load that is made on the same
machine loses more by a slower answer than the time that it takes longer, since its maker falls
asleep between two answers and has to be woken. That says how much of a ratio is the log's own.
"""

from __future__ import annotations

import json
import shutil
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.serving import load, model, ours, profiling, server
from benchmarks.serving.entrants import ENTRANTS, OURS, UNLOGGED
from benchmarks.serving.load import Found, Request
from benchmarks.serving.model import Perceptron

STARTS = 15
_TURNS = 3
SPENT_US = 2
_SECONDS = 2
_WARM_UP_SECONDS = 1
_CONNECTIONS = 16
_LOGGED = "0"
"""The folder of the process with the log."""


class Turns(NamedTuple):
    """Load on all of them within seconds.

    Attributes:
        logged: with the log.
        plain: without it.
        slowed: without it, each request slowed by `SPENT_US`.
    """

    logged: Found
    plain: Found
    slowed: Found


class Pairs(NamedTuple):
    """Load on one after the other, again and again.

    Attributes:
        model: that answered.
        batch: rows of a request.
        found: turns of each start.
        profiled: microseconds of CPU that profiles of what was logged take a row, by a worker.
    """

    model: str
    batch: int
    found: list[list[Turns]]
    profiled: float

    def throughput(self) -> list[float]:
        """With the log, as a part of that without it: the median of each start's turns."""
        return self._of(lambda turn: turn.logged.a_second / turn.plain.a_second)

    def slowed(self) -> list[float]:
        """That of the slowed ones, as a part of the same."""
        return self._of(lambda turn: turn.slowed.a_second / turn.plain.a_second)

    def p99(self) -> list[float]:
        """With the log, the time within which 99 of 100 are answered, as a part of the same."""
        return self._of(lambda turn: turn.logged.p99 / turn.plain.p99)

    def _of(self, figure: Callable[[Turns], float]) -> list[float]:
        return [statistics.median(map(figure, turns)) for turns in self.found]


def taken(each: Perceptron, file: Path, batch: int, folder: Path) -> Pairs:
    """Measure.

    Args:
        each: the model.
        file: it is in.
        batch: rows of a request.
        folder: an empty one.

    Raises:
        ServerFailed, NoLoad: it could not be measured.
    """
    found, profiled = [], 0.0
    for number in range(STARTS):
        here = folder / str(number)
        here.mkdir()
        found.append(_start(each, file, batch, here, number))
        profiled = profiled or profiling.a_row(here / _LOGGED)
        shutil.rmtree(here)  # what was logged
    return Pairs(each.name, batch, found, profiled)


def _start(each: Perceptron, file: Path, batch: int, folder: Path, number: int) -> list[Turns]:
    """All three, under load in turn."""
    body = folder / "body"
    requests: list[Request] = []
    slower = {ours.SPENT: str(SPENT_US)}
    with ExitStack() as all_:
        for place, (name, more) in enumerate(((OURS, {}), (UNLOGGED, {}), (UNLOGGED, slower))):
            [entrant] = [known for known in ENTRANTS if known.name == name]
            port, mine = server.free_port(), folder / str(place)
            mine.mkdir()
            body.write_text(json.dumps(entrant.asks(model.rows(each, batch))))
            request = Request(f"http://127.0.0.1:{port}{entrant.path}", body)
            command = entrant.command(entrant.python(), port, file, mine)
            env, log = entrant.env(file, mine) | more, folder / f"log-{place}.txt"
            all_.enter_context(server.running(name, command, env, log, request))
            load.put(request, _CONNECTIONS, _WARM_UP_SECONDS)
            requests.append(request)
        found = []
        for turn in range(number, number + _TURNS):
            # who comes first changes, so that nobody always follows the same one
            step = -1 if turn % 2 else 1
            loads = [load.put(request, _CONNECTIONS, _SECONDS) for request in requests[::step]]
            found.append(Turns(*loads[::step]))
    return found
