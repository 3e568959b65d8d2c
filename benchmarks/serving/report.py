"""Rows of what was taken: ours as ratios first, then what each server did."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from benchmarks.results import Row, row
from benchmarks.serving import bare_http
from benchmarks.serving.entrants import ASGI, FASTAPI, OURS, UNLOGGED, Entrant
from benchmarks.serving.load import Found
from benchmarks.serving.pairs import SPENT_US, Pairs

JSON, BINARY, ROWS = "JSON", "binary", "rows with names"
CONNECTIONS = (1, 16, 64)
_BUSY = 16
_OF_SERVERS, _OF_FASTAPI, _OF_ASGI = 2.0, 1.0, 0.8
"""Our throughput, as a part of theirs at least."""
_OF_RUNTIME = 2.0
"""The time of a binary request, as a part of that of ONNX Runtime alone at most."""
_OF_UNLOGGED = 0.95
"""Our throughput with the log of requests, as a part of that without it at least."""


class Point(NamedTuple):
    """What is asked, and by how many at once."""

    model: str
    batch: int
    connections: int
    form: str = JSON

    def __str__(self) -> str:
        form = "" if self.form == JSON else f", {self.form}"
        return f"{self.model}, batch {self.batch}{form}, {self.connections} conn."


class Swaps(NamedTuple):
    """Deployments exchanged one after the other, and what callers saw meanwhile."""

    number: int
    seconds: float
    found: Found


def _lists() -> defaultdict[str, list[float]]:
    return defaultdict(list)


@dataclass
class Taken:
    """Everything measured, of each round.

    Attributes:
        found: by server and point.
        start: seconds until the first answer.
        memory: MB, and the number of processes.
        alone: milliseconds of ONNX Runtime for a batch of 64, by model.
        swaps: by model.
        pairs: with the log of requests and without it.
        failures: why a server could not be measured.
    """

    found: dict[tuple[str, Point], list[Found]] = field(default_factory=lambda: defaultdict(list))
    start: dict[str, list[float]] = field(default_factory=_lists)
    memory: dict[str, list[tuple[float, int]]] = field(default_factory=lambda: defaultdict(list))
    alone: dict[str, list[float]] = field(default_factory=_lists)
    swaps: dict[str, Swaps] = field(default_factory=dict)
    pairs: list[Pairs] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)

    def median(self, name: str, point: Point, what: Callable[[Found], float]) -> float:
        """Of the rounds."""
        return statistics.median(what(found) for found in self.found[name, point])

    def points(self, form: str = JSON) -> list[Point]:
        """At which ours was measured, each once."""
        return [point for name, point in self.found if name == OURS and point.form == form]


def rows(
    taken: Taken, entrants: Sequence[Entrant], load: float, rollbacks: Sequence[Row]
) -> list[Row]:
    """All rows.

    Args:
        taken: what was measured.
        entrants: those that could be.
        load: average of the machine, before.
        rollbacks: on the whole stack.
    """
    found = [row("load average before", load, "processes")]
    if OURS not in taken.failures:
        found += [*_throughput(taken, entrants), *_tails(taken, entrants), *_binary(taken)]
        found += [*_swaps(taken), *rollbacks, *_pairs(taken)]
    # a peer that is missing makes no comparison good
    found += [
        Row(f"{name}: {why}", 0, "measured", met=False) for name, why in taken.failures.items()
    ]
    return [*found, *_each(taken, entrants)]


def _throughput(taken: Taken, entrants: Sequence[Entrant]) -> Iterator[Row]:
    names = {each.name for each in entrants}
    servers = [each.name for each in entrants if each.server]
    for point in taken.points():
        mine = taken.median(OURS, point, _a_second)
        theirs = {name: taken.median(name, point, _a_second) for name in names}
        peers = [(FASTAPI, _OF_FASTAPI), (ASGI, _OF_ASGI)]
        if servers:
            peers.insert(0, (max(servers, key=theirs.__getitem__), _OF_SERVERS))
        for peer, target in peers:
            if peer in names:
                label = f"{peer} (the best server)" if target == _OF_SERVERS else peer
                yield row(
                    f"{point}: requests",
                    mine,
                    "1/s",
                    target=target,
                    peer=label,
                    peer_value=theirs[peer],
                    at_least=True,
                )


def _tails(taken: Taken, entrants: Sequence[Entrant]) -> Iterator[Row]:
    others = [each.name for each in entrants if each.name not in (OURS, UNLOGGED)]
    for point in taken.points():
        if point.connections == _BUSY and others:
            theirs = {name: taken.median(name, point, _p99) for name in others}
            # the server without anything apart, since it does less than all others
            for group in ([name for name in others if name != ASGI], [ASGI]):
                if group := [name for name in group if name in theirs]:
                    best = min(group, key=theirs.__getitem__)
                    yield row(
                        f"{point}: p99",
                        taken.median(OURS, point, _p99),
                        "ms",
                        target=1.0,
                        peer=best if best == ASGI else f"{best} (the lowest)",
                        peer_value=theirs[best],
                    )


def _binary(taken: Taken) -> Iterator[Row]:
    for point in taken.points(BINARY):
        alone = statistics.median(taken.alone[point.model])
        for name, who, target in (
            (OURS, "", _OF_RUNTIME),
            (bare_http.NAME, " of a server in C that computes nothing", None),
        ):
            if name not in taken.failures:
                yield row(
                    f"{point}: a request{who}",
                    1000 / taken.median(name, point, _a_second),
                    "ms",
                    target=target,
                    peer="ONNX Runtime alone",
                    peer_value=alone,
                )


def _swaps(taken: Taken) -> Iterator[Row]:
    for model, (number, seconds, found) in taken.swaps.items():
        case = f"{model}: {number} swaps of 3 variants under load"
        yield row(f"{case}: failed requests", found.failed, f"of {found.requests}", target=0)
        yield row(f"{case}: a swap", seconds / number, "s")
        yield row(f"{case}: p99", found.p99, "ms")
        yield row(f"{case}: requests", found.a_second, "1/s")


def _pairs(taken: Taken) -> Iterator[Row]:
    for each in taken.pairs:
        case = f"{each.model}, batch {each.batch}, {_BUSY} conn."
        logged, of = f"{case}: logged beside not logged", f"mean of {len(each.found)} starts"
        found = each.throughput()
        mean = statistics.mean(found)
        yield row(f"{logged}, {of}: requests", mean, "x", target=_OF_UNLOGGED, at_least=True)
        yield row(f"{logged}, the least of them: requests", min(found), "x")
        yield row(f"{logged}, the most of them: requests", max(found), "x")
        yield row(f"{logged}, {of}: p99", statistics.mean(each.p99()), "x")
        slowed = f"{case}: {SPENT_US} us of nothing beside none, {of}"
        yield row(f"{slowed}: requests", statistics.mean(each.slowed()), "x")
        profiled = f"{each.model}, batch {each.batch}: profiling what was logged, by a worker"
        yield row(f"{profiled}: CPU of a row", each.profiled, "us")


def _each(taken: Taken, entrants: Sequence[Entrant]) -> Iterator[Row]:
    names = [each.name for each in entrants]
    for name in names:
        yield row(f"{name}: start to first answer", statistics.median(taken.start[name]), "s")
    for name in names:
        megabytes = statistics.median(size for size, _ in taken.memory[name])
        processes = max(number for _, number in taken.memory[name])
        of = "1 process" if processes == 1 else f"{processes} processes"
        yield row(f"{name}: memory (PSS), {of}", megabytes, "MB")
    for point in taken.points():
        for name in names:
            yield row(f"{point}: {name}", taken.median(name, point, _a_second), "1/s")
            if point.connections == _BUSY:
                yield row(f"{point}: {name}: p99", taken.median(name, point, _p99), "ms")
    for point in taken.points(ROWS) + taken.points(BINARY):
        yield row(f"{point}: {OURS}", taken.median(OURS, point, _a_second), "1/s")
    for name in names:
        failed = sum(
            found.failed for (who, _), each in taken.found.items() if who == name for found in each
        )
        if failed or name == OURS:
            target = 0 if name == OURS else None
            yield row(f"{name}: failed requests", failed, "requests", target=target)


def _a_second(found: Found) -> float:
    return found.a_second


def _p99(found: Found) -> float:
    return found.p99
