"""What the log of requests costs: two processes, with it and without it, under load in turn.

Servers that are measured minutes apart differ by more than the log costs, so each second of load
on the one has its second on the other beside it, and the ratios of these pairs are what counts.
"""

from __future__ import annotations

import json
import statistics
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.serving import load, model, server
from benchmarks.serving.entrants import ENTRANTS, OURS, UNLOGGED
from benchmarks.serving.load import Found, Request
from benchmarks.serving.model import Perceptron

PAIRS = 15
_SECONDS = 2
_WARM_UP_SECONDS = 1
_CONNECTIONS = 16


class Pairs(NamedTuple):
    """Load on both, each pair within seconds.

    Attributes:
        model: that answered.
        batch: rows of a request.
        found: with the log, and without it.
    """

    model: str
    batch: int
    found: list[tuple[Found, Found]]

    def throughput(self) -> float:
        """With the log, as a part of that without it: the median of the pairs."""
        return statistics.median(ours.a_second / other.a_second for ours, other in self.found)

    def p99(self) -> float:
        """The same of the time within which 99 of 100 are answered."""
        return statistics.median(ours.p99 / other.p99 for ours, other in self.found)


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
    body = folder / "body"
    requests: list[Request] = []
    with ExitStack() as both:
        for number, name in enumerate((OURS, UNLOGGED)):
            [entrant] = [known for known in ENTRANTS if known.name == name]
            port, mine = server.free_port(), folder / str(number)
            mine.mkdir()
            body.write_text(json.dumps(entrant.asks(model.rows(each, batch))))
            request = Request(f"http://127.0.0.1:{port}{entrant.path}", body)
            command = entrant.command(entrant.python(), port, file, mine)
            env, log = entrant.env(file, mine), folder / f"log-{number}.txt"
            both.enter_context(server.running(name, command, env, log, request))
            load.put(request, _CONNECTIONS, _WARM_UP_SECONDS)
            requests.append(request)
        found: list[tuple[Found, Found]] = []
        for number in range(PAIRS):
            # who comes first changes, so that neither always follows the other
            turn = requests[:: -1 if number % 2 else 1]
            first, second = (load.put(request, _CONNECTIONS, _SECONDS) for request in turn)
            found.append((second, first) if number % 2 else (first, second))
    return Pairs(each.name, batch, found)
