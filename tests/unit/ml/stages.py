"""The stages of a run that need no server, on a project of any kind."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pandas as pd
from temporalio.testing import ActivityEnvironment

from activities.advisories import Advisories
from activities.checkpoint_files import Reached
from activities.data import DataActivities
from activities.evaluation import EvaluationActivities
from activities.export import ExportActivities
from activities.modelling.data.snapshots import Frames
from activities.modelling.export.graphs import Graph
from activities.ray_tasks.job import Job, Made
from activities.ray_tasks.train_function import train
from perennial.blobs import BlobStore
from perennial.contracts.data import DatasetSnapshot, TakeSnapshot, ValidateSnapshot
from perennial.contracts.spec import MetricPlan, Source, Task, Training
from perennial.contracts.training import (
    Epoch,
    EvaluateModel,
    Evaluation,
    ExportedModel,
    ExportModel,
    TrainedModel,
    TrainModel,
)


@dataclass
class Watching:
    """Who follows a training; says stop after so many epochs."""

    until: int | None = None
    epochs: list[Epoch] = field(default_factory=list)
    went_on_from: list[int] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def ended(self, epoch: Epoch) -> None:
        self.epochs.append(epoch)
        if len(self.epochs) == self.until:
            self._stop.set()

    def resumed(self, reached: Reached) -> None:
        self.went_on_from.append(reached.epoch)

    def noted(self, note: str) -> None:
        raise AssertionError(note)

    def stopping(self) -> bool:
        return self._stop.is_set()


@dataclass
class Stages:
    """One run of a project."""

    blobs: BlobStore
    project: str
    task: Task
    plan: Training = field(default_factory=lambda: Training(seed=1))
    source: Source = field(default_factory=lambda: Source(uri="nothing"))

    async def snapshot(self) -> DatasetSnapshot:
        """Its rows, checked."""
        activities = DataActivities(self.blobs, Frames(self.blobs))
        asked = {"run_id": "r", "model": "m", "project": self.project}
        snapshot = await ActivityEnvironment().run(
            activities.take_snapshot, TakeSnapshot(**asked, source=self.source)
        )
        said = await ActivityEnvironment().run(
            activities.validate_snapshot,
            ValidateSnapshot(**asked, task=self.task, snapshot=snapshot),
        )
        assert said.passed, said.summary()
        return snapshot

    def trained(self, snapshot: DatasetSnapshot, watching: Watching | None = None) -> TrainedModel:
        """A training in this process, as the job in Ray does it."""
        seen = watching or Watching()
        asked = TrainModel(
            run_id="r",
            model="m",
            project=self.project,
            task=self.task,
            snapshot=snapshot,
            training=self.plan,
        )
        made = train(Job(input=asked, blob_url=self.blobs.url, unattended_seconds=60), seen)
        assert isinstance(made, Made)
        return TrainedModel(**made.model_dump(), epochs=tuple(seen.epochs), mlflow_run_id="r")

    async def evaluated(
        self, snapshot: DatasetSnapshot, trained: TrainedModel, plan: MetricPlan
    ) -> Evaluation:
        """Its figures on held-out rows."""
        asked = EvaluateModel(
            run_id="r",
            model="m",
            project=self.project,
            task=self.task,
            metrics=plan,
            snapshot=snapshot,
            training=self.plan,
            trained=trained,
        )
        activities = EvaluationActivities(self.blobs, Frames(self.blobs), Advisories(""))
        return await ActivityEnvironment().run(activities.evaluate_model, asked)

    async def exported(
        self, snapshot: DatasetSnapshot, trained: TrainedModel, int8_tolerance: float | None = None
    ) -> ExportedModel:
        """Its file."""
        asked = ExportModel(
            run_id="r",
            model="m",
            project=self.project,
            task=self.task,
            snapshot=snapshot,
            training=self.plan,
            trained=trained,
            int8_tolerance=int8_tolerance,
        )
        activities = ExportActivities(self.blobs, Frames(self.blobs))
        return await ActivityEnvironment().run(activities.export_model, asked)

    def graph(self, exported: ExportedModel) -> Graph:
        """Its file, opened."""
        return Graph(self.blobs.get(exported.onnx))

    def rows(self, snapshot: DatasetSnapshot) -> pd.DataFrame:
        """What it was trained and measured on."""
        return Frames(self.blobs).read(snapshot)
