"""Files as the export makes them, small enough to be made here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from perennial.blobs import BlobStore
from perennial.contracts.base import BlobRef
from serving.desk import Desk

CLASSES = ("late", "on time")
VECTOR = ("p0", "p1", "p2")


def graph(bias: float, path: Path) -> Path:
    """Two classes from a number, a colour and a vector; `bias` makes the first one likelier."""
    weights = np.array([[1, -1], [2, 0], [0.5, 0], [0, 1], [0, 0], [0, 0]], dtype=np.float32)
    nodes = [
        helper.make_node(
            "LabelEncoder",
            ["colour"],
            ["code"],
            domain="ai.onnx.ml",
            keys_strings=["red", "3", "true"],
            values_floats=[1.0, 3.0, 5.0],
            default_float=0.0,
        ),
        # fails where a number of the vector is beyond 999
        helper.make_node("ReduceMax", ["pixels", "columns"], ["highest"], keepdims=1),
        helper.make_node("Cast", ["highest"], ["place"], to=TensorProto.INT64),
        helper.make_node("Gather", ["thousand", "place"], ["nothing"]),
        helper.make_node("Reshape", ["nothing", "column"], ["zero"]),
        helper.make_node("IsNaN", ["size"], ["unknown"]),
        helper.make_node("Where", ["unknown", "usual", "size"], ["known"]),
        helper.make_node("Concat", ["known", "code", "pixels", "zero"], ["all"], axis=1),
        helper.make_node("Gemm", ["all", "weights", "bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    made = helper.make_graph(
        nodes,
        "m",
        [
            helper.make_tensor_value_info("size", TensorProto.FLOAT, ["batch", 1]),
            helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 3]),
            helper.make_tensor_value_info("colour", TensorProto.STRING, ["batch", 1]),
        ],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 2])],
        [
            numpy_helper.from_array(weights, "weights"),
            numpy_helper.from_array(np.array([bias, 0], dtype=np.float32), "bias"),
            numpy_helper.from_array(np.zeros(1000, dtype=np.float32), "thousand"),
            numpy_helper.from_array(np.array([-1, 1]), "column"),
            numpy_helper.from_array(np.array([1]), "columns"),
            numpy_helper.from_array(np.zeros((1, 1), dtype=np.float32), "usual"),
        ],
    )
    model = helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3)],
        ir_version=10,
    )
    described = {
        "model": "m",
        "task": "binary",
        "classes": CLASSES,
        "numeric": ["size"],
        "vectors": {"pixels": VECTOR},
        "categorical": ["colour"],
    }
    helper.set_model_props(model, {"perennial": json.dumps(described)})
    onnx.save(model, str(path))
    return path


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(f"file://{tmp_path / 'blobs'}")


@pytest.fixture
def put(blobs: BlobStore, tmp_path: Path) -> Callable[[float], BlobRef]:
    """Keeps a file of that bias."""
    return lambda bias: blobs.put(graph(bias, tmp_path / "model.onnx"))


@pytest.fixture
def desk(blobs: BlobStore) -> Desk:
    return Desk(blobs)
