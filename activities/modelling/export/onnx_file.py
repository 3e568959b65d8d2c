"""One ONNX file from raw columns to answers: the inputs' part is put before the network's."""

from __future__ import annotations

import json

import onnx
from onnx import TensorProto, compose, helper

from activities.modelling.export.graphs import META
from activities.modelling.models.matrix import CODES, NUMBERS
from activities.modelling.models.preprocessing import Preprocessing
from perennial.contracts.errors import ExportFailed
from perennial.contracts.training import Tensor

PROBABILITIES, PREDICTION = "probabilities", "prediction"
_ML = "ai.onnx.ml"
_ML_VERSION = 3
_OWN = "net/"
_TYPES = {TensorProto.FLOAT: "float32", TensorProto.STRING: "string", TensorProto.INT64: "int64"}


def output_of(preprocessing: Preprocessing) -> str:
    """What the answer is called."""
    return PREDICTION if preprocessing.task == "regression" else PROBABILITIES


def assemble(body: onnx.ModelProto, preprocessing: Preprocessing, model: str) -> onnx.ModelProto:
    """Put raw inputs before the body: text to codes, columns side by side.

    Args:
        body: from `export_body`; its own names are moved out of the columns' way.
        preprocessing: names the inputs.
        model: kept in the file with what a reader needs to feed it.

    Raises:
        ExportFailed: a column is called as the answer, or the file is not valid ONNX.
    """
    answer = output_of(preprocessing)
    inputs = [_input(name, TensorProto.FLOAT, 1) for name in preprocessing.numeric]
    inputs += [
        _input(name, TensorProto.FLOAT, len(columns))
        for name, columns in preprocessing.vectors.items()
    ]
    inputs += [_input(name, TensorProto.STRING, 1) for name in preprocessing.categories]
    if answer in {value.name for value in inputs}:
        raise ExportFailed(f"a column is called {answer!r}, as the answer is; rename it in load()")
    body = compose.add_prefix(body, _OWN, rename_inputs=False, rename_outputs=False)
    graph = helper.make_graph(
        [*_head(preprocessing), *body.graph.node],
        model,
        inputs,
        list(body.graph.output),
        list(body.graph.initializer),
    )
    opsets = [*body.opset_import]
    if preprocessing.categories and all(entry.domain != _ML for entry in opsets):
        opsets.append(helper.make_opsetid(_ML, _ML_VERSION))
    made = helper.make_model(
        graph, opset_imports=opsets, functions=list(body.functions), producer_name="perennial"
    )
    made.ir_version = body.ir_version
    described = {
        "model": model,
        "task": preprocessing.task,
        "classes": preprocessing.classes,
        "numeric": preprocessing.numeric,
        "vectors": preprocessing.vectors,
        "categorical": list(preprocessing.categories),
    }
    helper.set_model_props(made, {META: json.dumps(described)})
    _forget_origins(made)
    try:
        onnx.checker.check_model(made, full_check=True)
    except onnx.checker.ValidationError as error:
        raise ExportFailed(f"the ONNX file of {model} is not valid: {error}") from error
    return made


def tensors(values: list[onnx.ValueInfoProto]) -> tuple[Tensor, ...]:
    """Inputs or outputs as the contract has them; -1 is the batch."""
    return tuple(
        Tensor(
            name=value.name,
            type=_TYPES[value.type.tensor_type.elem_type],
            shape=tuple(
                dim.dim_value if dim.HasField("dim_value") else -1
                for dim in value.type.tensor_type.shape.dim
            ),
        )
        for value in values
    )


def opset(made: onnx.ModelProto) -> int:
    """The version of the standard operators."""
    return next(int(entry.version) for entry in made.opset_import if entry.domain == "")


def _input(name: str, kind: int, width: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["batch", width])


def _head(preprocessing: Preprocessing) -> list[onnx.NodeProto]:
    nodes = []
    numbers = [*preprocessing.numeric, *preprocessing.vectors]
    if numbers:
        nodes.append(helper.make_node("Concat", numbers, [NUMBERS], axis=1))
    codes = []
    for position, (name, texts) in enumerate(preprocessing.categories.items()):
        codes.append(f"codes/{position}")
        nodes.append(
            helper.make_node(
                "LabelEncoder",
                [name],
                [codes[-1]],
                domain=_ML,
                keys_strings=list(texts),
                values_int64s=list(range(1, len(texts) + 1)),
                default_int64=0,
            )
        )
    if codes:
        nodes.append(helper.make_node("Concat", codes, [CODES], axis=1))
    return nodes


def _forget_origins(made: onnx.ModelProto) -> None:
    """Drop what the exporter notes of Python files: paths of this machine, and half the size."""
    for node in made.graph.node:
        node.ClearField("metadata_props")
        node.ClearField("doc_string")
    for value in (*made.graph.output, *made.graph.initializer):
        value.ClearField("metadata_props")
