"""A candidate as one ONNX file, compared with what was trained."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from temporalio import activity

from activities.work import in_thread, loading
from perennial.blobs import BlobStore
from perennial.contracts.training import ExportedModel, ExportModel

if TYPE_CHECKING:
    from activities.modelling.snapshots import Frames


class ExportActivities:
    """Torch in, ONNX out."""

    def __init__(self, blobs: BlobStore, frames: Frames) -> None:
        self._blobs = blobs
        self._frames = frames

    @activity.defn(name="export_model")
    async def export_model(self, input: ExportModel) -> ExportedModel:
        """Write the file and judge its parity."""
        return await in_thread(self._export, input)

    def _export(self, input: ExportModel) -> ExportedModel:
        with loading():
            from activities.modelling import candidates, onnx_file
            from activities.modelling.export import export_body
            from activities.modelling.graphs import Graph
            from activities.modelling.parity import compare
            from activities.modelling.preprocessing import Preprocessing
            from activities.modelling.projects import load_project
            from activities.modelling.speed import measure_speed
            from activities.modelling.split import split_rows

            project = load_project(input.project, expected=input.trained.code.source_digest)
        preprocessing = Preprocessing.read(self._blobs.get_bytes(input.trained.preprocessing))
        network = candidates.read_weights(
            self._blobs,
            input.trained.weights,
            candidates.build(project, preprocessing, input.training),
        )
        body = export_body(network, preprocessing, project, onnx_file.output_of(preprocessing))
        made = onnx_file.assemble(body, preprocessing, input.model)
        frame = self._frames.read(input.snapshot)
        plan = input.training
        test = split_rows(frame, project.features(), plan.split, plan.seed).test
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            path.write_bytes(made.SerializeToString(deterministic=True))
            graph, held_out = Graph(path), frame.iloc[test]
            parity = compare(graph, network, preprocessing, held_out)
            speed = measure_speed(graph, held_out)
            blob = self._blobs.put(path)
        return ExportedModel(
            onnx=blob,
            opset=onnx_file.opset(made),
            inputs=onnx_file.tensors(list(made.graph.input)),
            outputs=onnx_file.tensors(list(made.graph.output)),
            parity=parity,
            speed=speed,
        )
