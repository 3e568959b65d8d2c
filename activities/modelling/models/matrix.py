"""The one matrix that scikit-learn and LightGBM learn from, in Python and as an ONNX graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, numpy_helper

from activities.modelling.models.preprocessing import Preprocessing

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NUMBERS, CODES = "net/numbers", "net/codes"
"""What a body of any kind takes: the columns of numbers, and of codes."""
Encoding = Literal["indicators", "codes"]
"""Categories as a column of 0 and 1 for each value, or as the column of their codes."""
OPSET, ML_OPSET = 20, 5
_IR_VERSION = 10
_PREDICT = "predict/"
_ML, _LEAST_ML = "ai.onnx.ml", 3


def matrix(
    numbers: NDArray[np.float32], codes: NDArray[np.int64], shape: tuple[int, ...], how: Encoding
) -> NDArray[np.float32]:
    """Numbers and categories side by side, float32 `[rows, columns]`.

    Args:
        numbers: `[rows, numbers]`, scaled.
        codes: `[rows, categories]`.
        shape: how many codes each category has.
        how: what becomes of the categories.
    """
    if how == "codes":
        return np.hstack([numbers, codes.astype(np.float32)])
    parts = [
        codes[:, [column]] == np.arange(1, count)  # code 0, never seen, is 0 in all of them
        for column, count in enumerate(shape)
    ]
    return np.hstack([numbers, *(part.astype(np.float32) for part in parts)])


def of_rows(
    frame: pd.DataFrame, preprocessing: Preprocessing, how: Encoding
) -> NDArray[np.float32]:
    """The matrix of raw rows."""
    return matrix(*preprocessing.apply(frame), preprocessing.shape.categories, how)


def body(
    predict: onnx.ModelProto, preprocessing: Preprocessing, how: Encoding, output: str
) -> onnx.ModelProto:
    """Put the making of the matrix before what predicts from it.

    Args:
        predict: with one input, the matrix; the first output named as the answer is.
        preprocessing: gives means, scales and codes.
        how: what becomes of the categories.
        output: what the answer is called.

    Returns:
        What `onnx_file.assemble` takes: inputs `net/numbers` and `net/codes`, one output.
    """
    (given,) = predict.graph.input
    predict = compose.add_prefix(predict, _PREDICT, rename_inputs=False, rename_outputs=False)
    nodes, constants, columns = [], [], []
    inputs = []
    if preprocessing.numbers:
        inputs.append(_value(NUMBERS, TensorProto.FLOAT, len(preprocessing.numbers)))
        constants += [
            _constant("mean", preprocessing.mean),
            _constant("scale", preprocessing.scale),
        ]
        nodes += [
            helper.make_node("IsNaN", [NUMBERS], ["missing"]),
            helper.make_node("IsInf", [NUMBERS], ["infinite"]),
            helper.make_node("Or", ["missing", "infinite"], ["unknown"]),
            helper.make_node("Where", ["unknown", "mean", NUMBERS], ["known"]),
            helper.make_node("Sub", ["known", "mean"], ["centred"]),
            helper.make_node("Div", ["centred", "scale"], ["scaled"]),
        ]
        columns.append("scaled")
    categories = preprocessing.shape.categories
    if categories:
        inputs.append(_value(CODES, TensorProto.INT64, len(categories)))
        if how == "codes":
            nodes.append(helper.make_node("Cast", [CODES], ["coded"], to=TensorProto.FLOAT))
            columns.append("coded")
        else:
            nodes += _indicators(categories, constants)
            columns += [f"indicators_{column}" for column in range(len(categories))]
    nodes.append(helper.make_node("Concat", columns, [given.name], axis=1))
    width = len(preprocessing.classes) or 1
    graph = helper.make_graph(
        [*nodes, *predict.graph.node],
        "body",
        inputs,
        [_value(output, TensorProto.FLOAT, width)],
        [*constants, *predict.graph.initializer],
    )
    versions = {entry.domain: entry.version for entry in predict.opset_import}
    # skl2onnx names the oldest version that has its operators; they are the same in these
    versions[""] = OPSET
    if _ML in versions:
        versions[_ML] = max(versions[_ML], _LEAST_ML)
    opsets = [helper.make_opsetid(domain, version) for domain, version in versions.items()]
    made = helper.make_model(graph, opset_imports=opsets)
    made.ir_version = _IR_VERSION
    return made


def _indicators(
    categories: tuple[int, ...], constants: list[onnx.TensorProto]
) -> list[onnx.NodeProto]:
    nodes = []
    for column, count in enumerate(categories):
        constants.append(_constant(f"column_{column}", [column], np.int64))
        constants.append(_constant(f"values_{column}", range(1, count), np.int64))
        code, equal = f"code_{column}", f"equal_{column}"
        nodes += [
            helper.make_node("Gather", [CODES, f"column_{column}"], [code], axis=1),
            helper.make_node("Equal", [code, f"values_{column}"], [equal]),
            helper.make_node("Cast", [equal], [f"indicators_{column}"], to=TensorProto.FLOAT),
        ]
    return nodes


def _constant(name: str, values: object, kind: type = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=kind), name)


def _value(name: str, kind: int, width: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["batch", width])
