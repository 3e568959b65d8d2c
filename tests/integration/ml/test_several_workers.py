"""Two workers of Ray Train share one training."""

from __future__ import annotations

import asyncio
from typing import Any

import psutil
import pytest
from temporalio.testing import ActivityEnvironment

from activities.modelling import candidates
from activities.modelling.preprocessing import Preprocessing
from activities.modelling.projects import load_project
from activities.modelling.snapshots import Frames
from activities.ray_tasks.job import Job
from perennial.contracts.errors import ClusterUnavailable, ProjectInvalid
from perennial.contracts.training import TrainModel
from tests.integration.ml.conftest import Place
from tests.integration.ml.heartbeats import Heartbeats

TWO = {"workers": 2, "cpus_per_worker": max(1, (psutil.cpu_count() or 2) // 2)}


async def under_way(place: Place) -> tuple[TrainModel, ActivityEnvironment, asyncio.Task[Any]]:
    """A training by two workers that has ended its first epoch."""
    asked = await place.ask("Telling", epochs=10_000, batch_size=2, **TWO)
    environment = ActivityEnvironment()
    beats = Heartbeats(environment)
    training = asyncio.create_task(environment.run(place.activities().train_model, asked))
    await beats.until(lambda beat: "epoch" in beat)
    return asked, environment, training


async def test_a_cancel_frees_all_and_the_next_one_learns(place: Place) -> None:
    _, environment, training = await under_way(place)
    environment.cancel()
    with pytest.raises(asyncio.CancelledError):
        await training

    # it needs every CPU: one that stayed reserved would keep it waiting for ever
    asked = await place.ask("Line", epochs=6, batch_size=16, learning_rate=0.05, **TWO)
    trained = await ActivityEnvironment().run(place.activities().train_model, asked)
    assert [epoch.epoch for epoch in trained.epochs] == list(range(1, 7))
    project = load_project(asked.project)
    preprocessing = Preprocessing.read(place.blobs.get_bytes(trained.preprocessing))
    network = candidates.build(project, preprocessing, asked.training)
    candidates.read_weights(place.blobs, trained.weights, network)
    rows = Frames(place.blobs).read(asked.snapshot)
    likely = candidates.scores(network, preprocessing, rows)[:, 1]
    assert ((likely > 0.5) == rows["above"]).mean() > 0.9


async def test_an_end_by_force_frees_all_and_the_next_one_raises(place: Place) -> None:
    asked, _, training = await under_way(place)
    await place.cluster.remove(Job(input=asked, blob_url="", unattended_seconds=60))
    with pytest.raises(ClusterUnavailable, match="the training's process in Ray is gone"):
        await training

    raising = await place.ask("Raising", **TWO)
    with pytest.raises(ProjectInvalid, match=r"train\(\) raised KeyError.*line \d+"):
        await ActivityEnvironment().run(place.activities().train_model, raising)
