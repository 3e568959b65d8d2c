"""A candidate as one ONNX file, compared with what was trained."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio import activity

from activities.work import in_thread, loading
from perennial.blobs import BlobStore
from perennial.contracts.training import ExportedModel, ExportModel, Parity

if TYPE_CHECKING:
    from activities.modelling.data.snapshots import Frames


class ExportActivities:
    """What was trained in, ONNX out."""

    def __init__(self, blobs: BlobStore, frames: Frames) -> None:
        self._blobs = blobs
        self._frames = frames

    @activity.defn(name="export_model")
    async def export_model(self, input: ExportModel) -> ExportedModel:
        """Write the file and judge its parity."""
        return await in_thread(self._export, input)

    def _export(self, input: ExportModel) -> ExportedModel:
        with loading():
            from activities.modelling.data.split import split_rows
            from activities.modelling.export import int8, onnx_file
            from activities.modelling.export.graphs import Graph
            from activities.modelling.export.parity import compare
            from activities.modelling.export.speed import measure_speed
            from activities.modelling.models.preprocessing import Preprocessing
            from activities.modelling.projects import load_project
            from activities.modelling.training import kinds

            project = load_project(input.project, expected=input.trained.code.source_digest)
        trained, plan = input.trained, input.training
        preprocessing = Preprocessing.read(self._blobs.get_bytes(trained.preprocessing))
        made = kinds.one_file(self._blobs, trained, project, preprocessing, plan, input.model)
        frame = self._frames.read(input.snapshot)
        held_out = frame.iloc[split_rows(frame, project.features(), plan.split, plan.seed).test]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(made.SerializeToString(deterministic=True))
            graph = Graph(path)
            scores = kinds.scorer(self._blobs, trained, project, preprocessing, plan)
            # an estimator was compared where it was trained: the file is what stands for it
            parity = trained.parity or compare(graph, scores, preprocessing, held_out)
            quick = measure_speed(graph, held_out)
            small = None
            if (tolerance := input.int8_tolerance) is not None:

                def judged(smaller: Graph) -> Parity:
                    return compare(smaller, scores, preprocessing, held_out, tolerance=tolerance)

                found = int8.attempt(path, quick, held_out, judged)
                path, small = found.path, found.said
                parity, quick = found.parity or parity, found.speed or quick
            blob = self._blobs.put(path)
        return ExportedModel(
            onnx=blob,
            opset=onnx_file.opset(made),
            inputs=onnx_file.tensors(list(made.graph.input)),
            outputs=onnx_file.tensors(list(made.graph.output)),
            parity=parity,
            speed=quick,
            int8=small,
        )
