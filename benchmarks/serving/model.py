"""What is served: two perceptrons as ONNX files, and rows to ask them about."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from serving.model import META

INPUT = "features"


@dataclass(frozen=True)
class Perceptron:
    """A classifier of two classes.

    Attributes:
        name: as the results call it.
        columns: numbers in a row.
        hidden: widths of the hidden layers.
    """

    name: str
    columns: int
    hidden: tuple[int, ...]


SMALL = Perceptron("small", 20, (32,))
LARGE = Perceptron("large", 100, (512, 512))


def write(model: Perceptron, path: Path, seed: int = 0) -> None:
    """Make the file, as our own export describes it to the data plane."""
    dice = np.random.default_rng(seed)
    nodes, weights, before = [], [], INPUT
    widths = [model.columns, *model.hidden, 2]
    for number, (rows, columns) in enumerate(pairwise(widths)):
        matrix = dice.normal(0, rows**-0.5, (rows, columns)).astype(np.float32)
        weights += [
            numpy_helper.from_array(matrix, f"w{number}"),
            numpy_helper.from_array(np.zeros(columns, dtype=np.float32), f"b{number}"),
        ]
        nodes.append(helper.make_node("Gemm", [before, f"w{number}", f"b{number}"], [f"y{number}"]))
        before = f"y{number}"
        if number < len(model.hidden):
            nodes.append(helper.make_node("Relu", [before], [f"h{number}"]))
            before = f"h{number}"
    nodes.append(helper.make_node("Softmax", [before], ["probabilities"], axis=1))
    graph = helper.make_graph(
        nodes,
        model.name,
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", model.columns])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 2])],
        weights,
    )
    # versions that every peer's ONNX Runtime knows
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    described = {
        "model": model.name,
        "task": "binary",
        "classes": ["no", "yes"],
        "numeric": [],
        "vectors": {INPUT: [f"f{column}" for column in range(model.columns)]},
        "categorical": [],
    }
    helper.set_model_props(made, {META: json.dumps(described)})
    onnx.save(made, str(path))


def rows(model: Perceptron, number: int) -> NDArray[np.float32]:
    """Rows as a caller would send them: four decimals."""
    dice = np.random.default_rng(7)
    return dice.normal(0, 1, (number, model.columns)).round(4).astype(np.float32)


def lists(values: NDArray[np.float32]) -> list[list[float]]:
    """The same as plain numbers, without the digits that float32 adds."""
    found: list[list[float]] = values.astype(np.float64).round(4).tolist()
    return found


def tensors(values: NDArray[np.float32]) -> dict[str, Any]:
    """An inference request of the Open Inference Protocol, version 2."""
    tensor = {"name": INPUT, "shape": list(values.shape), "datatype": "FP32"}
    return {"inputs": [{**tensor, "data": np.ravel(lists(values)).tolist()}]}
