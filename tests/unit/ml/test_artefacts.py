"""A file that reads others, runs what nobody knows, or is too large is refused before it is run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from activities.modelling.export import artefacts
from activities.modelling.export.graphs import Graph
from activities.modelling.export.int8 import attempt
from activities.modelling.export.parity import compare
from activities.modelling.export.speed import measure_speed
from perennial.contracts.errors import ExportFailed
from perennial.contracts.spec import Training
from perennial.contracts.training import Parity
from tests.unit.ml.conftest import Write
from tests.unit.ml.making import export, fit


def file(folder: Path, *nodes: onnx.NodeProto, weight: onnx.TensorProto | None = None) -> Path:
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        list(nodes) or [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [value("x", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
        [weight] if weight is not None else [],
    )
    path = folder / "model.onnx"
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


def outside(location: str) -> onnx.TensorProto:
    tensor = numpy_helper.from_array(np.ones(4, dtype=np.float32), "w")
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def branch(name: str, node: onnx.NodeProto) -> onnx.GraphProto:
    return helper.make_graph(
        [node], name, [], [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])]
    )


def test_an_ordinary_file_passes(tmp_path: Path) -> None:
    artefacts.check(file(tmp_path))


@pytest.mark.parametrize("location", ["weights.bin", "../../etc/passwd", "/etc/passwd"])
def test_weights_elsewhere(tmp_path: Path, location: str) -> None:
    path = file(tmp_path, weight=outside(location))
    with pytest.raises(ExportFailed, match="keeps w in another file"):
        artefacts.check(path)
    with pytest.raises(ExportFailed, match="keeps w in another file"):
        Graph(path)
    constant = helper.make_node("Constant", [], ["y"], value=outside(location))
    with pytest.raises(ExportFailed, match="in another file"):
        artefacts.check(file(tmp_path, constant))


def test_operators_that_are_not_of_the_standard(tmp_path: Path) -> None:
    strange = helper.make_node("RunCode", ["x"], ["y"], domain="com.example")
    with pytest.raises(ExportFailed, match=r"the operators com\.example\.RunCode, which"):
        artefacts.check(file(tmp_path, strange))
    hidden = helper.make_node(
        "If", ["x"], ["y"], then_branch=branch("t", strange), else_branch=branch("e", strange)
    )
    with pytest.raises(ExportFailed, match=r"com\.example\.RunCode"):
        artefacts.check(file(tmp_path, hidden))
    endless = helper.make_node("Loop", ["x", "", "x"], ["y"], body=branch("b", strange))
    with pytest.raises(ExportFailed, match=r"ai\.onnx\.Loop, com"):
        artefacts.check(file(tmp_path, endless))


def test_what_is_no_file_of_onnx_or_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x80\x04pickled")
    with pytest.raises(ExportFailed, match="this is no ONNX file"):
        artefacts.check(path)
    monkeypatch.setattr(artefacts, "MOST_BYTES", 9)
    with pytest.raises(ExportFailed, match="MB are allowed; make the model smaller"):
        artefacts.check(file(tmp_path))


WIDE = """
class Own(Base):
    def build(self, shape, params):
        return Wide(shape)


class Wide(nn.Module):
    def __init__(self, shape):
        super().__init__()
        inputs = shape.numbers + len(shape.categories)
        self.body = nn.Sequential(
            nn.Linear(inputs, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(),
            nn.Linear(1024, shape.outputs),
        )

    def forward(self, numbers, codes):
        return self.body(torch.cat([numbers, codes.float()], dim=1))
"""


def test_eight_bits_are_kept_where_they_are_faster_and_close(
    write_project: Write, tmp_path: Path
) -> None:
    fitted = fit(write_project(WIDE), training=Training(epochs=1, batch_size=400))
    before = measure_speed(export(fitted, tmp_path), fitted.frame)
    path = tmp_path / "model.onnx"

    def within(tolerance: float) -> tuple[bool, str]:
        def judged(graph: Graph) -> Parity:
            return compare(
                graph, fitted.scores, fitted.preprocessing, fitted.frame, tolerance=tolerance
            )

        found = attempt(path, before, fitted.frame, judged)
        assert found.said.kept == (found.path != path) == (found.parity is not None)
        assert found.said.size < 0.3 * path.stat().st_size
        return found.said.kept, found.said.reason

    kept, reason = within(1e-7)
    assert not kept and reason.startswith("off by")
    kept, reason = within(1.0)
    assert kept or reason.startswith("not faster here")  # as this CPU has it
