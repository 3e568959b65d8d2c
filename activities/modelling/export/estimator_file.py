"""A fitted scikit-learn estimator as the ONNX graph that stands for it from then on."""

from __future__ import annotations

from typing import Any

import onnx
from onnx import compose, helper

from activities.modelling.models.matrix import OPSET
from activities.modelling.models.preprocessing import Preprocessing
from activities.modelling.projects import Project
from perennial.contracts.errors import ExportFailed

INPUT = "matrix"
_ML = 3
"""skl2onnx writes its trees for this version; later ones read them as well."""


def convert(
    estimator: Any, width: int, project: Project, preprocessing: Preprocessing, output: str
) -> onnx.ModelProto:
    """What predicts from the matrix.

    Args:
        estimator: fitted.
        width: columns of the matrix.
        project: whose.
        preprocessing: says how many answers there are.
        output: what they are called.

    Raises:
        ExportFailed: skl2onnx has no form for a part of it, naming that.
    """
    # loaded here: LightGBM and networks need neither it nor its second
    from skl2onnx import convert_sklearn  # type: ignore[import-untyped]
    from skl2onnx.common.data_types import FloatTensorType  # type: ignore[import-untyped]

    classifies = bool(preprocessing.classes)
    options = {id(estimator): {"zipmap": False}} if classifies else None
    try:
        made: onnx.ModelProto = convert_sklearn(
            estimator,
            initial_types=[(INPUT, FloatTensorType([None, width]))],
            options=options,
            target_opset={"": OPSET, "ai.onnx.ml": _ML},
        )
    except Exception as error:
        said = " ".join(str(error).split())[:160]
        raise ExportFailed(
            f"{project.name}: {type(estimator).__name__} has no ONNX form, so it cannot be "
            f"served; take another estimator, or parts that skl2onnx knows: {said}"
        ) from error
    # a name of its own for the answer, which skl2onnx may have called as we do
    made = compose.add_prefix(made, "estimator/", rename_inputs=False)
    answer = made.graph.output[-1].name  # a classifier names the class first
    made.graph.node.append(helper.make_node("Identity", [answer], [output]))
    del made.graph.output[:]
    made.graph.output.append(
        helper.make_tensor_value_info(
            output, onnx.TensorProto.FLOAT, ["batch", len(preprocessing.classes) or 1]
        )
    )
    return made
