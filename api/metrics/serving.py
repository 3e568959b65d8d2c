"""What the data plane has answered: sums over its processes, which report their counts here.

Each process counts for itself, and reports within seconds (`serving.feed`). On one port several of
them listen, so that a question to the port would be answered by any of them, each time by another
one. And the counts of one that has ended are forgotten one day, so that a plain sum would fall. So
this adds up what came since the last look: sums that only grow, for as long as this process lives.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from api.db.tables import DataPlaneRow, TallyRow
from perennial.contracts.serving import ALIVE_SECONDS, COUNTS, LATENCIES

FAMILIES = {
    "requests": ("requests", "Requests that arrived, answered well or not."),
    "errors": ("errors", "Requests that were answered with a failure of the model or of ours."),
    "slow": ("slow_requests", "Requests that took longer than the limit of the deployment."),
    "refused": ("refused_requests", "Requests that the variant could not read."),
    "compared": ("compared_rows", "Rows of copies that the champion answered too."),
    "disagreed": ("disagreed_rows", "Rows of copies with another answer than the champion's."),
    "missed": ("missed_copies", "Copies that found no room, and were never answered."),
    "logged": ("logged_rows", "Rows that were written to the log of requests."),
    "lost": ("lost_rows", "Rows that belong into the log of requests, and are not there."),
}
"""Each count of a `Tally`, with the end of its name and what it says."""
LABELS = ("model", "environment", "variant", "version")
_LATENCY = "How long requests took that were answered, well or not."
_BOUNDS = (*map(str, LATENCIES), "+Inf")

_LOOKED_BACK = timedelta(days=1)
"""A process that says nothing for so long is not heard of again."""

_KEY = ("model", "environment", "epoch", "variant", "process")
_Row = tuple[str, str, int, str, str]
_Place = tuple[str, str, str, str]


class Served:
    """Sums by model, environment, variant and version. Safe to ask from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[_Row, tuple[int, ...]] | None = None
        self._sums: dict[_Place, list[int]] = {}
        self._worked: dict[str, float] | None = None
        self._cpu: dict[str, float] = {}

    def __call__(self, session: Session, now: datetime) -> Iterator[Metric]:
        """What has been answered since the first look, by how many processes at what cost."""
        with self._lock:
            self._look(session, now)
            for place, count in enumerate(COUNTS):
                name, says = FAMILIES[count]
                family = CounterMetricFamily(f"perennial_serving_{name}", says, labels=LABELS)
                for labels, sums in sorted(self._sums.items()):
                    family.add_metric(labels, sums[place])
                yield family
            took = HistogramMetricFamily(
                "perennial_serving_latency_seconds", _LATENCY, labels=LABELS
            )
            for labels, sums in sorted(self._sums.items()):
                upto = accumulate(sums[len(COUNTS) :])
                # there is no sum of seconds: none is counted on the way of a request
                took.add_metric(labels, list(zip(_BOUNDS, upto, strict=True)), None)
            yield took
            yield from self._processes(session, now)

    def _look(self, session: Session, now: datetime) -> None:
        # columns, not rows: there are as many as models, variants and processes together
        columns = [getattr(TallyRow, name) for name in (*_KEY, "version", "latencies", *COUNTS)]
        rows = session.execute(
            sql_select(*columns)
            .join(DataPlaneRow, col(DataPlaneRow.process) == col(TallyRow.process))
            .where(col(DataPlaneRow.seen_at) >= now - _LOOKED_BACK)
        )
        seen: dict[_Row, tuple[int, ...]] = {}
        sums: dict[_Place, list[int]] = {}
        for model, environment, epoch, variant, process, version, took, *found in rows:
            key = (model, environment, epoch, variant, process)
            # those of a process that is older than this count have none
            counts = seen[key] = (*found, *(took or [0] * len(_BOUNDS)))
            # what was answered before the first look belongs to an earlier process of the API
            before = counts if self._seen is None else self._seen.get(key, (0,) * len(counts))
            place = (model, environment, variant, str(version))
            into = sums.setdefault(place, list(self._sums.get(place, [0] * len(counts))))
            for index, (new, old) in enumerate(zip(counts, before, strict=True)):
                into[index] += max(new - old, 0)
        self._seen, self._sums = seen, sums

    def _processes(self, session: Session, now: datetime) -> Iterator[Metric]:
        alive = now - timedelta(seconds=ALIVE_SECONDS)
        heard = select(DataPlaneRow).where(DataPlaneRow.seen_at >= now - _LOOKED_BACK)
        found: dict[str, list[DataPlaneRow]] = {}
        worked: dict[str, float] = {}
        cpu: dict[str, float] = {}
        for row in session.exec(heard):
            planes = found.setdefault(row.environment, [])
            if row.seen_at >= alive:
                planes.append(row)
            seconds = worked[row.process] = row.cpu_seconds
            before = seconds if self._worked is None else self._worked.get(row.process, 0.0)
            so_far = cpu.get(row.environment, self._cpu.get(row.environment, 0.0))
            cpu[row.environment] = so_far + max(seconds - before, 0.0)
        self._worked, self._cpu = worked, cpu
        yield from _shown(found, cpu)


def _shown(found: dict[str, list[DataPlaneRow]], cpu: dict[str, float]) -> Iterator[Metric]:
    """By environment: of processes there is no end, since each start makes another one."""
    labels = ("environment",)
    processes = GaugeMetricFamily(
        "perennial_serving_processes", "Processes of the data plane that report.", labels=labels
    )
    busy = GaugeMetricFamily(
        "perennial_serving_busy_ratio",
        "The part of its time that the busiest process had to do, from 0 to 1.",
        labels=labels,
    )
    memory = GaugeMetricFamily(
        "perennial_data_plane_memory_bytes",
        "Resident memory of those processes together; what they share counts in each.",
        labels=labels,
    )
    seconds = CounterMetricFamily(
        "perennial_data_plane_cpu_seconds",
        "Processors' time that processes of the data plane have had.",
        labels=labels,
    )
    for environment, planes in found.items():
        place = (environment,)
        processes.add_metric(place, len(planes))
        busy.add_metric(place, max((plane.busy for plane in planes), default=0.0))
        memory.add_metric(place, sum(plane.memory_bytes for plane in planes))
        seconds.add_metric(place, cpu[environment])
    yield from (processes, busy, memory, seconds)
