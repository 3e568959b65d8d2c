"""A candidate of any kind: how its training keeps it, and how it is asked and exported later."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import onnx

from activities.modelling.export import estimator_file
from activities.modelling.export import onnx_file as files
from activities.modelling.export.graphs import Graph
from activities.modelling.export.parity import compare
from activities.modelling.export.trees_file import convert
from activities.modelling.models import candidates, estimators, matrix
from activities.modelling.models.preprocessing import Preprocessing
from activities.modelling.projects import Project
from activities.modelling.training import boosting
from perennial.blobs import BlobStore
from perennial.contracts.base import BlobRef
from perennial.contracts.spec import Training
from perennial.contracts.training import Parity, TrainedModel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Scores = Callable[["pd.DataFrame"], "NDArray[np.float64]"]
"""Probabilities `[rows, classes]`, or predictions `[rows]`, of raw rows."""


def scorer(
    blobs: BlobStore,
    trained: TrainedModel,
    project: Project,
    preprocessing: Preprocessing,
    training: Training,
) -> Scores:
    """What a candidate answers: as it was trained; an estimator by the file that stands for it."""
    if trained.kind == "estimator":
        return Graph(blobs.get(trained.weights)).scores
    if trained.kind == "boosting":
        booster = boosting.read(blobs.get_bytes(trained.weights))
        return partial(boosting.scores, booster, preprocessing)
    network = candidates.read_weights(
        blobs, trained.weights, candidates.build(project, preprocessing, training)
    )
    return partial(candidates.scores, network, preprocessing)


def one_file(
    blobs: BlobStore,
    trained: TrainedModel,
    project: Project,
    preprocessing: Preprocessing,
    training: Training,
    model: str,
) -> onnx.ModelProto:
    """A candidate as one graph from raw columns to answers.

    Raises:
        ExportFailed: a part of it has no ONNX form.
    """
    if trained.kind == "estimator":
        return onnx.load(blobs.get(trained.weights), load_external_data=False)
    output = files.output_of(preprocessing)
    if trained.kind == "boosting":
        trees = convert(boosting.read(blobs.get_bytes(trained.weights)), output)
        body = matrix.body(trees, preprocessing, "codes", output)
    else:
        # torch's exporter takes a second to load, and trainings that write a file need it not
        from activities.modelling.export.network import export_body

        network = candidates.read_weights(
            blobs, trained.weights, candidates.build(project, preprocessing, training)
        )
        body = export_body(network, preprocessing, project, output)
    return files.assemble(body, preprocessing, model)


def keep_estimator(
    blobs: BlobStore,
    estimator: Any,
    width: int,
    project: Project,
    preprocessing: Preprocessing,
    model: str,
    held_out: pd.DataFrame,
) -> tuple[BlobRef, Parity]:
    """Write a fitted estimator as the one file, and compare the two while both are there.

    No other form of it is kept: scikit-learn has only pickles, which run what they hold.

    Raises:
        ExportFailed: a part of it has no ONNX form.
    """
    output = files.output_of(preprocessing)
    predict = estimator_file.convert(estimator, width, project, preprocessing, output)
    body = matrix.body(predict, preprocessing, estimators.ENCODINGS["estimator"], output)
    made = files.assemble(body, preprocessing, model)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(made.SerializeToString(deterministic=True))
        asked = partial(estimators.scores, estimator, preprocessing)
        parity = compare(Graph(path), asked, preprocessing, held_out)
        return blobs.put(path), parity
