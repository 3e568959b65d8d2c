"""A training on a real Ray: what it brings home, and what is said when it cannot."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path

import pytest
import ray
from sqlmodel import select
from temporalio.common import RetryPolicy
from temporalio.testing import ActivityEnvironment

from activities.checkpoint_files import CheckpointFiles
from activities.mlflow_runs import MlflowRuns
from activities.mlflow_server import MlflowServer
from activities.modelling.models.preprocessing import Preprocessing
from activities.ray_cluster import RayCluster
from activities.ray_tasks.job import Job
from api.db.tables import StageRow
from perennial.contracts.errors import (
    BadInput,
    ClusterUnavailable,
    PerennialError,
    ProjectInvalid,
    RegistryUnavailable,
    TrainingDiverged,
)
from perennial.contracts.training import TrainModel
from tests.integration.ml.conftest import Place
from tests.integration.ml.heartbeats import Heartbeats
from tests.servers import free_port


def left(place: Place, asked: TrainModel) -> Job:
    return Job(input=asked, blob_url=place.blobs.url, unattended_seconds=60)


async def is_gone(place: Place, asked: TrainModel) -> bool:
    """Whether no actor of this training is in the cluster any more."""
    progress = await place.cluster.poll(left(place, asked), 0)
    return progress.phase == "lost" and progress.note == "it is not in the cluster"


async def test_an_example_is_trained_and_seen_in_mlflow(place: Place) -> None:
    asked = await place.ask(
        "examples.digits.project:Digits",
        "multiclass",
        epochs=4,
        batch_size=64,
        params={"hidden": 8},
    )
    place.record(asked)
    environment = ActivityEnvironment()
    beats = Heartbeats(environment)
    trained = await environment.run(place.activities().train_model, asked)

    assert [epoch.epoch for epoch in trained.epochs] == [1, 2, 3, 4]
    assert trained.epochs[-1].loss < trained.epochs[0].loss
    assert (trained.train_rows + trained.test_rows, trained.device) == (1797, "cpu")
    assert trained.code.project == asked.project and trained.code.git_commit
    kept = Preprocessing.read(place.blobs.get_bytes(trained.preprocessing))
    assert len(kept.classes) == 10
    assert place.blobs.get(trained.weights).stat().st_size == trained.weights.size
    assert beats.seen[-1]["epoch"] == 4 and beats.seen[-1]["loss"] == trained.epochs[-1].loss

    run = place.server.client.get_run(trained.mlflow_run_id)
    assert run.info.status == "FINISHED" and run.info.run_name == asked.run_id
    assert run.data.params["hidden"] == "8" and run.data.params["split_by"] == "random"
    assert run.data.tags["perennial.snapshot"] == asked.snapshot.digest
    losses = place.server.client.get_metric_history(trained.mlflow_run_id, "loss")
    assert [m.value for m in losses] == [epoch.loss for epoch in trained.epochs]
    assert await is_gone(place, asked)


async def test_a_diverging_training_ends_at_once(place: Place) -> None:
    asked = await place.ask("Exploding", epochs=9)
    with pytest.raises(TrainingDiverged, match=r"the loss became nan in epoch 2 of 9"):
        await ActivityEnvironment().run(place.activities().train_model, asked)
    assert await is_gone(place, asked)
    assert place.server.client.get_run(place.runs.open(asked).id).info.status == "FAILED"


async def test_a_project_that_raises_names_the_line(place: Place) -> None:
    asked = await place.ask("Raising")
    said = r"train\(\) raised KeyError: 'no such thing' \(ml/projects\.py, line \d+\)"
    with pytest.raises(ProjectInvalid, match=said):
        await ActivityEnvironment().run(place.activities().train_model, asked)
    assert await is_gone(place, asked)


async def test_a_wish_the_cluster_cannot_fulfil_is_refused_with_numbers(place: Place) -> None:
    asked = await place.ask("Line", workers=3, cpus_per_worker=500)
    with pytest.raises(BadInput, match=r"3 worker.* with 500 CPU each, but the largest node"):
        await ActivityEnvironment().run(place.activities().train_model, asked)


async def test_ray_away_is_said_at_once_and_can_be_tried_again(place: Place) -> None:
    asked = await place.ask("Line")
    away = RayCluster(f"127.0.0.1:{free_port()}")
    with pytest.raises(ClusterUnavailable, match=r"does not answer at 127\.0\.0\.1.*RAY_ADDRESS"):
        await ActivityEnvironment().run(place.activities(cluster=away).train_model, asked)


async def test_the_last_attempt_leaves_no_checkpoints(place: Place) -> None:
    asked = await place.ask("Line")
    files = CheckpointFiles(place.blobs.url, asked.run_id, "key")
    files.keep(1, b"what a process before has kept")
    away = RayCluster(f"127.0.0.1:{free_port()}")
    environment = ActivityEnvironment()
    for attempt in (1, 2):
        assert files.newest() is not None
        environment.info = dataclasses.replace(
            environment.info, attempt=attempt, retry_policy=RetryPolicy(maximum_attempts=2)
        )
        with pytest.raises(ClusterUnavailable, match="does not answer"):
            await environment.run(place.activities(cluster=away).train_model, asked)
    assert files.newest() is None
    away.close()


async def test_mlflow_away_leaves_the_job_to_the_next_attempt_and_ends_it_with_the_last(
    place: Place,
) -> None:
    asked = await place.ask("Line")
    away = MlflowRuns(MlflowServer(f"http://127.0.0.1:{free_port()}"))
    environment = ActivityEnvironment()
    for attempt in (1, 2):
        environment.info = dataclasses.replace(
            environment.info, attempt=attempt, retry_policy=RetryPolicy(maximum_attempts=2)
        )
        with pytest.raises(RegistryUnavailable, match=r"MLflow at http://127\.0\.0\.1.*`make up`"):
            await environment.run(place.activities(runs=away).train_model, asked)
        assert await is_gone(place, asked) is (attempt == 2)


async def test_errors_cross_ray_as_they_are(place: Place) -> None:
    asked = await place.ask("Line", split={"by": "time"})
    with pytest.raises(PerennialError, match="names no time column") as caught:
        await ActivityEnvironment().run(place.activities().train_model, asked)
    assert type(caught.value).__name__ == "SpecInvalid"


def test_this_process_is_not_connected_to_ray() -> None:
    assert not ray.is_initialized()


async def test_progress_reaches_the_records(place: Place, tmp_path: Path) -> None:
    until = tmp_path / "until"
    asked = await place.ask("Telling", epochs=10_000, batch_size=8, params={"until": str(until)})
    place.record(asked)
    environment = ActivityEnvironment()
    beats = Heartbeats(environment)
    training = asyncio.create_task(environment.run(place.activities().train_model, asked))
    beat = await beats.until(lambda beat: beat.get("epoch", 0) > 200)
    assert beat["epochs"] == 10_000 and beat["phase"] == "training"
    until.touch()
    trained = await training
    last = trained.epochs[-1].epoch
    step = -(-last // 200)  # thinned to at most 200, the last among them
    assert [each.epoch for each in trained.epochs] == [*range(last, 0, -step)][::-1]
    with place.store.database.writing() as session:
        row = session.exec(select(StageRow).where(StageRow.run_id == asked.run_id)).one()
        assert (row.progress["phase"], row.progress["epoch"]) == ("done", last)
