"""What the platform's loop costs beside a plain one of torch, and how long export and gate take."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch
import yaml
from temporalio.testing import ActivityEnvironment

from activities.data import DataActivities
from activities.export import ExportActivities
from activities.modelling.data.snapshots import Frames
from activities.modelling.projects import load_project
from activities.modelling.training.loop import prepare
from activities.ray_tasks.job import Job
from activities.ray_tasks.train_function import train
from benchmarks.plain_training import Work, paired
from benchmarks.results import Row, row
from perennial.blobs import BlobStore
from perennial.contracts.data import DatasetSnapshot, TakeSnapshot
from perennial.contracts.spec import ModelSpec
from perennial.contracts.training import Epoch, ExportModel, TrainedModel, TrainModel

OVERHEAD = 1.15
EXPORT_SECONDS = 3.0
_REPEATS = 5


def run() -> list[Row]:
    """Rows: flights by our loop beside the plain one; digits exported and compared, warm."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        blobs = BlobStore(f"file://{folder}")
        flights, _, rows = _snapshot("flights", blobs)
        project = load_project(flights.project)
        prepared = prepare(rows, project, flights.task, flights.training)
        ours, plain = paired(Work(project, prepared, flights.task, flights.training), _REPEATS)
        return [
            row(
                f"training of flights, {len(prepared.target):,} rows, one worker",
                ours,
                "s",
                peer="a plain loop of torch",
                peer_value=plain,
                target=OVERHEAD,
            ),
            row("export and parity of digits, warm", _export(blobs), "s", target=EXPORT_SECONDS),
        ]


def read(name: str) -> ModelSpec:
    """The spec of an example."""
    return ModelSpec.model_validate(yaml.safe_load(Path(f"examples/{name}/model.yaml").read_text()))


def _snapshot(name: str, blobs: BlobStore) -> tuple[ModelSpec, DatasetSnapshot, pd.DataFrame]:
    spec, frames = read(name), Frames(blobs)
    snapshot: DatasetSnapshot = asyncio.run(
        ActivityEnvironment().run(
            DataActivities(blobs, frames).take_snapshot,
            TakeSnapshot(run_id="r", model=name, project=spec.project, source=spec.source),
        )
    )
    return spec, snapshot, frames.read(snapshot)


def _export(blobs: BlobStore) -> float:
    spec, snapshot, _ = _snapshot("digits", blobs)
    asked = TrainModel(
        run_id="r",
        model=spec.model,
        project=spec.project,
        task=spec.task,
        snapshot=snapshot,
        training=spec.training,
    )
    watching = _Watching()
    made = train(Job(input=asked, blob_url=blobs.url, unattended_seconds=60), watching)
    assert made is not None  # of one worker
    trained = TrainedModel(**made.model_dump(), epochs=tuple(watching.epochs), mlflow_run_id="none")
    wanted = ExportModel(**asked.model_dump(exclude={"author"}), trained=trained)
    activities = ExportActivities(blobs, Frames(blobs))
    took = []
    for _ in range(1 + _REPEATS):
        began = time.perf_counter()
        asyncio.run(ActivityEnvironment().run(activities.export_model, wanted))
        took.append(time.perf_counter() - began)
    return statistics.median(took[1:])  # the first one loads torch's exporter


class _Watching:
    def __init__(self) -> None:
        self.epochs: list[Epoch] = []

    def ended(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)

    def resumed(self, reached: object) -> None:
        raise AssertionError(reached)

    def noted(self, note: str) -> None:
        raise AssertionError(note)

    def stopping(self) -> bool:
        return False
