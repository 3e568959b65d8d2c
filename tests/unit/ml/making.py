"""A model made without Ray: prepared, trained a little, exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from activities.modelling.export import onnx_file
from activities.modelling.export.graphs import Graph
from activities.modelling.export.network import export_body
from activities.modelling.models import candidates
from activities.modelling.models.preprocessing import Preprocessing
from activities.modelling.projects import Project, load_project
from activities.modelling.training.loop import Loop, Prepared, prepare
from perennial.authoring import Source as _Source
from perennial.contracts.spec import Task, Training
from perennial.contracts.training import Epoch

NOTHING = _Source(uri="nothing")


@dataclass
class Fitted:
    project: Project
    frame: pd.DataFrame
    prepared: Prepared
    network: nn.Module
    epochs: list[Epoch]
    kept_epoch: int | None = None

    @property
    def preprocessing(self) -> Preprocessing:
        return self.prepared.preprocessing

    def scores(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        return candidates.scores(self.network, self.preprocessing, frame)


def fit(
    name: str,
    task: Task = "binary",
    training: Training | None = None,
    frame: pd.DataFrame | None = None,
) -> Fitted:
    """Prepare and train in this process."""
    project = load_project(name)
    rows = project.own.load(NOTHING) if frame is None else frame
    plan = training or Training(epochs=2, batch_size=64, seed=1)
    prepared = prepare(rows, project, task, plan)
    network = candidates.build(project, prepared.preprocessing, plan)
    epochs: list[Epoch] = []
    loop = Loop(network, prepared, task, plan, ended=epochs.append, stopping=lambda: False)
    with project.calling("train"):
        project.own.train(loop)
    kept_epoch = loop.end()
    return Fitted(project, rows, prepared, network.eval(), epochs, kept_epoch)


def export(fitted: Fitted, folder: Path) -> Graph:
    """The exported file, opened."""
    preprocessing = fitted.preprocessing
    answer = onnx_file.output_of(preprocessing)
    body = export_body(fitted.network, preprocessing, fitted.project, answer)
    path = folder / "model.onnx"
    path.write_bytes(onnx_file.assemble(body, preprocessing, "m").SerializeToString())
    return Graph(path)
