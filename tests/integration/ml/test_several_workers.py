"""Two workers of Ray Train share one training."""

from __future__ import annotations

import asyncio

import psutil
import pytest
from temporalio.testing import ActivityEnvironment

from activities.modelling import candidates
from activities.modelling.preprocessing import Preprocessing
from activities.modelling.projects import load_project
from activities.modelling.snapshots import Frames
from activities.ray_tasks.job import Job
from perennial.contracts.errors import ClusterUnavailable, ProjectInvalid
from tests.integration.ml.conftest import Place
from tests.integration.ml.heartbeats import Heartbeats

TWO = {"workers": 2, "cpus_per_worker": max(1, (psutil.cpu_count() or 2) // 2)}


async def test_they_learn_one_model(place: Place) -> None:
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


async def test_a_worker_that_raises_is_the_projects_fault(place: Place) -> None:
    asked = await place.ask("Raising", **TWO)
    with pytest.raises(ProjectInvalid, match=r"train\(\) raised KeyError.*line \d+"):
        await ActivityEnvironment().run(place.activities().train_model, asked)


@pytest.mark.parametrize("end", ["in good order", "by force"])
async def test_an_end_leaves_no_cpu_reserved(place: Place, end: str) -> None:
    asked = await place.ask("Telling", epochs=10_000, batch_size=2, **TWO)
    environment = ActivityEnvironment()
    beats = Heartbeats(environment)
    training = asyncio.create_task(environment.run(place.activities().train_model, asked))
    await beats.until(lambda beat: "epoch" in beat)
    if end == "in good order":
        environment.cancel()
        with pytest.raises(asyncio.CancelledError):
            await training
    else:
        await place.cluster.remove(Job(input=asked, blob_url="", unattended_seconds=60))
        with pytest.raises(ClusterUnavailable, match="the training's process in Ray is gone"):
            await training
    # a placement group that stayed would keep this one waiting for ever
    next_one = await place.ask("Line", epochs=1, cpus_per_worker=2 * TWO["cpus_per_worker"])
    trained = await asyncio.wait_for(
        ActivityEnvironment().run(place.activities().train_model, next_one), timeout=90
    )
    assert len(trained.epochs) == 1
