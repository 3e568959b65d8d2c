"""A data plane that answers as it is told: what a rollout sees of one, with no request made."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from api.db.store import Store
from perennial.contracts.deployments import ReadServing
from perennial.contracts.errors import NotFound
from perennial.contracts.labelling import CountLabelled
from perennial.contracts.serving import CHAMPION, Deployment, Labelled, Report, Serving, Tally

_LOOK_SECONDS = 0.05
_HOUR = datetime(2026, 3, 2, 10, tzinfo=UTC)


class Plane:
    """One process that reports. Its requests follow the weights.

    Attributes:
        rate: requests of each look, of all variants together.
        errors: the share of them that fails, by variant.
        lost: the share of them that never arrives, by variant.
        disagrees: the share of copies that a challenger answers otherwise than the champion.
        serves: whether it takes what it is to serve.
        labelled: the share of requests that have a label, once they are counted.
        wrong: the share of those that was answered wrongly, by variant.
    """

    def __init__(self, store: Store, model: str) -> None:
        self._store = store
        self._model = model
        self._tallies: dict[tuple[int, str], Tally] = {}
        self._seen: list[dict[str, int]] = []
        self.rate = 4000
        self.errors: dict[str, float] = {}
        self.lost: dict[str, float] = {}
        self.disagrees = 0.0
        self.serves = True
        self.labelled = 1.0
        self.wrong: dict[str, float] = {}

    @property
    def history(self) -> list[dict[str, int]]:
        """Weights as they were, each once, the first one first."""
        return [
            now
            for place, now in enumerate(self._seen)
            if place == 0 or now != self._seen[place - 1]
        ]

    def serving(self) -> Serving:
        """As the records have it."""
        return self._store.read_serving(ReadServing(model=self._model, environment="production"))

    def count_labels(self, count: CountLabelled) -> None:
        """What labels say of all that was answered, as the log and the labels would tell it."""
        answered = Counter[tuple[str, int]]()
        for (epoch, variant), tally in list(self._tallies.items()):
            if epoch >= count.since_epoch:
                answered[variant, tally.version] += tally.requests
        found = [
            Labelled(
                variant=variant,
                version=version,
                requests=(labelled := round(requests * self.labelled)),
                wrong=round(labelled * self.wrong.get(variant, 0)),
            )
            for (variant, version), requests in answered.items()
        ]
        self._store.record_labelled(count, _HOUR, found)

    @contextlib.asynccontextmanager
    async def up(self) -> AsyncIterator[Plane]:
        """Report for as long as this lasts."""
        over = asyncio.Event()
        task = asyncio.create_task(self._report(over))
        try:
            yield self
        finally:
            over.set()
            await task
            self._store.record_report("production", f"plane-{self._model}", Report(leaving=True))

    async def _report(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.to_thread(self._once)
            await asyncio.sleep(_LOOK_SECONDS)

    def _once(self) -> None:
        try:
            deployment = self.serving().deployment
        except NotFound:  # no spec has been applied yet
            return
        if deployment is not None and self.serves:
            self._answer(deployment)
        report = Report(tallies=tuple(self._tallies.values()))
        self._store.record_report("production", f"plane-{self._model}", report)

    def _answer(self, deployment: Deployment) -> None:
        self._seen.append({each.name: each.weight for each in deployment.variants})
        copied = max(each.shadow for each in deployment.variants)
        for each in deployment.variants:
            part = each.weight if each.name == CHAMPION else each.weight or copied
            arrived = self.rate * part * (1 - self.lost.get(each.name, 0)) / 10_000
            compared = round(arrived) if each.shadow else 0
            fresh = Tally(
                model=self._model,
                epoch=deployment.epoch,
                variant=each.name,
                version=each.version,
                sha256=each.onnx.sha256,
                requests=round(arrived),
                errors=round(arrived * self.errors.get(each.name, 0)),
                compared=compared,
                disagreed=round(compared * self.disagrees),
            )
            key = deployment.epoch, each.name
            before = self._tallies.get(key)
            self._tallies[key] = fresh if before is None else before + fresh
