"""Attempts of the training's activity, as workers make them one after another."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from temporalio.testing import ActivityEnvironment

from activities.ray_cluster import RayCluster
from perennial.contracts.errors import ClusterUnavailable
from perennial.contracts.training import TrainedModel, TrainModel
from tests.integration.ml.conftest import Place
from tests.integration.ml.heartbeats import Heartbeats

_LONGEST_SECONDS = 240  # on a machine that others use too


def started(beat: dict[str, Any]) -> bool:
    """Whether a training has ended an epoch."""
    return "epoch" in beat


async def until(condition: Callable[[], object]) -> None:
    """Return once a condition on files holds, which another process brings about."""
    async with asyncio.timeout(_LONGEST_SECONDS):
        while not condition():
            await asyncio.sleep(0.02)


class Attempt:
    """One attempt of the activity, as one worker makes it."""

    def __init__(self, place: Place, asked: TrainModel, cluster: RayCluster | None = None) -> None:
        self.environment = ActivityEnvironment()
        self.beats = Heartbeats(self.environment)
        activities = place.activities(cluster=cluster or place.cluster)
        self.task: asyncio.Task[TrainedModel] = asyncio.create_task(
            self.environment.run(activities.train_model, asked)
        )


async def again(place: Place, asked: TrainModel) -> TrainedModel:
    """Attempts as Temporal would make them, until one gets through."""
    for _ in range(5):
        with contextlib.suppress(ClusterUnavailable):
            return await Attempt(place, asked).task
    return await Attempt(place, asked).task
