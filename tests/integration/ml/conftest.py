"""A real Ray, a real MLflow and real records, shared by the tests of this folder."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.data import DataActivities
from activities.mlflow_runs import MlflowRuns
from activities.mlflow_server import MlflowServer
from activities.modelling.data.snapshots import Frames
from activities.ray_cluster import RayCluster
from activities.training import TrainingActivities
from api.db.store import Store
from infra.stack import Config, Ports, Stack
from perennial.blobs import BlobStore
from perennial.contracts import records
from perennial.contracts.data import DatasetSnapshot, TakeSnapshot
from perennial.contracts.records import RecordRun, RecordSpec
from perennial.contracts.spec import Source, Task, Training
from perennial.contracts.training import TrainModel
from tests import samples


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Ray and MLflow on ports of their own."""
    folder = tmp_path_factory.mktemp("ml")
    stack = Stack(config=Config(folder / "state", Ports.free()), die_with=os.getpid())
    with pytest.MonkeyPatch.context() as patch:
        try:
            stack.up(["ray", "mlflow"])
            for name, value in stack.env.items():
                patch.setenv(name, value)  # Ray finds its token there
            yield stack
        finally:
            stack.clean()


@dataclass
class Place:
    """Everything a training needs, and what it may be asked."""

    stack: Stack
    blobs: BlobStore
    store: Store
    server: MlflowServer
    cluster: RayCluster
    runs: MlflowRuns = field(init=False)

    def __post_init__(self) -> None:
        self.runs = MlflowRuns(self.server)

    def activities(self, **other: Any) -> TrainingActivities:
        """As another worker would build them, with some parts exchanged."""
        parts = {"cluster": self.cluster, "runs": self.runs, **other}
        return TrainingActivities(self.blobs, store=self.store, **parts)

    async def ask(
        self,
        project: str,
        task: Task = "binary",
        options: dict[str, Any] | None = None,
        **plan: Any,
    ) -> TrainModel:
        """A training of a project of `tests.integration.ml.projects`, or of an example."""
        name = project if ":" in project else f"tests.integration.ml.projects:{project}"
        source = Source(uri=plan.pop("uri", "nothing"), options=options or {})
        model = f"m-{uuid.uuid4().hex[:8]}"
        snapshot: DatasetSnapshot = await ActivityEnvironment().run(
            DataActivities(self.blobs, Frames(self.blobs)).take_snapshot,
            TakeSnapshot(run_id="r", model=model, project=name, source=source),
        )
        return TrainModel(
            run_id=f"{model}-{uuid.uuid4().hex[:8]}",
            model=model,
            project=name,
            task=task,
            snapshot=snapshot,
            training=Training.model_validate(plan),
            author="ada",
        )

    def record(self, asked: TrainModel) -> None:
        """Spec, run and stage of a training, so that its progress can be seen."""
        spec = samples.spec(asked.model)
        self.store.record_spec(
            RecordSpec(effect=asked.run_id, spec=spec, actor="ada", at=samples.at())
        )
        run = samples.record_run(asked.run_id, asked.model)
        self.store.record_run(RecordRun.model_validate(run))
        self.store.mark_stage(
            records.MarkStage(run_id=asked.run_id, stage="train", status="running", at=samples.at())
        )


@pytest.fixture(scope="session")
def place(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("place")
    place = Place(
        stack,
        BlobStore(f"file://{folder / 'blobs'}"),
        Store.open(f"sqlite:///{folder / 'records.db'}"),
        MlflowServer(stack.urls["mlflow"]),
        RayCluster(stack.urls["ray"]),
    )
    yield place
    place.cluster.close()
    place.store.close()
