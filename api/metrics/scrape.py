"""One answer to Prometheus: what this process counts, and what the records say."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool

from api.context import Context
from api.metrics.beside import beside
from api.metrics.facts import FACTS, Fact
from api.metrics.gpus import gpus
from api.metrics.requests import Requests
from api.metrics.serving import Served
from perennial.contracts.errors import RecordsUnavailable


class Metrics:
    """Those of one process of the API; another one has its own.

    Attributes:
        requests: told of every request.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self.requests = Requests(self._registry)
        self._facts: tuple[Fact, ...] = (*FACTS, Served())

    async def text(self, context: Context) -> bytes:
        """All of them, in Prometheus' text format 0.0.4."""
        around = await beside(context)
        return await run_in_threadpool(self._text, context, around)

    def _text(self, context: Context, around: list[Metric]) -> bytes:
        found = _Found(chain(self._registry.collect(), around, gpus(), self._recorded(context)))
        return generate_latest(found)

    def _recorded(self, context: Context) -> list[Metric]:
        """Nothing while the records are away: the other figures say so."""
        now = datetime.now(UTC)
        try:
            with context.store.database.reading() as session:
                return [metric for fact in self._facts for metric in fact(session, now)]
        except RecordsUnavailable:
            return []


class _Found(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
