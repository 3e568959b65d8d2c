"""LightGBM's trees as an ONNX graph that takes the same way through them, row by row.

onnxmltools rounds the thresholds, which are doubles, to the nearest float: a row that lies there
takes the other branch (measured: a prediction off by 0.7 % of its deviation). Here they are rounded
down, and of two floats one is above a double exactly if it is above that. Sets of categories are
one node each, where onnxmltools copies the branches below for each member.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from activities.modelling.models.matrix import ML_OPSET, OPSET
from perennial.contracts.errors import ExportFailed

if TYPE_CHECKING:
    import lightgbm

INPUT = "matrix"
_LEQ, _MEMBER = 0, 6
_SUM = 1
_SAME = ("regression", "regression_l1", "huber", "fair", "quantile", "mape")
_EXPONENTIAL = ("poisson", "gamma", "tweedie")


def convert(booster: lightgbm.Booster, output: str) -> onnx.ModelProto:
    """The trees, and what makes answers of their sums.

    Args:
        booster: trained on a float32 matrix without missing values.
        output: what the answer is called: probabilities `[batch, classes]`, or `[batch, 1]`.

    Raises:
        ExportFailed: it has an objective or trees that have no ONNX form.
    """
    dumped: dict[str, Any] = booster.dump_model()
    outputs = int(dumped["num_tree_per_iteration"])
    trees = _Trees(outputs)
    for number, tree in enumerate(dumped["tree_info"]):
        trees.add(tree["tree_structure"], number % outputs)
    share = 1.0
    if dumped.get("average_output"):
        share = outputs / max(1, len(dumped["tree_info"]))
    constants = [numpy_helper.from_array(trees.constant * np.float32(share), "constant")]
    if trees.roots:
        constants.append(numpy_helper.from_array(np.array(share, dtype=np.float32), "share"))
        nodes = [
            trees.node("trees"),
            helper.make_node("Mul", ["trees", "share"], ["shared"]),
            helper.make_node("Add", ["shared", "constant"], ["raw"]),
        ]
    else:  # nothing was learnt: the same answer for each row
        constants.append(numpy_helper.from_array(np.array([0], dtype=np.int64), "first"))
        constants.append(numpy_helper.from_array(np.array(0, dtype=np.float32), "nought"))
        nodes = [
            helper.make_node("Gather", [INPUT, "first"], ["column"], axis=1),
            helper.make_node("Mul", ["column", "nought"], ["noughts"]),
            helper.make_node("Add", ["noughts", "constant"], ["raw"]),
        ]
    nodes += _answer(str(dumped["objective"]).split(), output, constants)
    width = outputs if outputs > 1 else 2 if dumped["objective"].startswith("binary") else 1
    graph = helper.make_graph(
        nodes,
        "lightgbm",
        [_value(INPUT, int(dumped["max_feature_idx"]) + 1)],
        [_value(output, width)],
        constants,
    )
    opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
    return helper.make_model(graph, opset_imports=opsets)


def _answer(
    objective: list[str], output: str, constants: list[onnx.TensorProto]
) -> list[onnx.NodeProto]:
    name, *settings = objective or ["none"]
    if name == "binary":
        (slope,) = (float(s.split(":")[1]) for s in settings if s.startswith("sigmoid:"))
        constants.append(numpy_helper.from_array(np.array(slope, dtype=np.float32), "slope"))
        constants.append(numpy_helper.from_array(np.array(1, dtype=np.float32), "one"))
        return [
            helper.make_node("Mul", ["raw", "slope"], ["logit"]),
            helper.make_node("Sigmoid", ["logit"], ["positive"]),
            helper.make_node("Sub", ["one", "positive"], ["negative"]),
            helper.make_node("Concat", ["negative", "positive"], [output], axis=1),
        ]
    if name == "multiclass":
        return [helper.make_node("Softmax", ["raw"], [output], axis=1)]
    if name in _EXPONENTIAL:
        return [helper.make_node("Exp", ["raw"], [output])]
    if name in _SAME and "sqrt" not in settings:
        return [helper.make_node("Identity", ["raw"], [output])]
    raise ExportFailed(
        f"LightGBM's objective {' '.join(objective)!r} has no ONNX form here; use binary, "
        f"multiclass, {', '.join((*_SAME, *_EXPONENTIAL))}"
    )


class _Trees:
    """The columns of one TreeEnsemble, tree after tree."""

    def __init__(self, outputs: int) -> None:
        self.constant = np.zeros(outputs, dtype=np.float32)
        self.roots: list[int] = []
        self._outputs = outputs
        self._features: list[int] = []
        self._modes: list[int] = []
        self._splits: list[float] = []
        self._children: dict[bool, list[int]] = {True: [], False: []}
        self._are_leaves: dict[bool, list[int]] = {True: [], False: []}
        self._members: list[float] = []
        self._targets: list[int] = []
        self._weights: list[float] = []

    def add(self, root: dict[str, Any], target: int) -> None:
        """One tree, whose leaves count for one output."""
        if "leaf_value" in root:  # it never divided the rows
            self.constant[target] += np.float32(root["leaf_value"])
            return
        self.roots.append(self._node(root))
        waiting = [(self.roots[-1], root)]
        while waiting:
            # sets of members are read in the order of the nodes: each has its number by now
            place, given = waiting.pop()
            for side, name in ((True, "left_child"), (False, "right_child")):
                child = given[name]
                leaf = "leaf_value" in child
                self._are_leaves[side][place] = int(leaf)
                if leaf:
                    self._children[side][place] = self._leaf(child, target)
                else:
                    self._children[side][place] = self._node(child)
                    waiting.append((self._children[side][place], child))

    def node(self, output: str) -> onnx.NodeProto:
        """All of them."""
        attributes: dict[str, Any] = {
            "nodes_featureids": self._features,
            "nodes_modes": _tensor(self._modes, np.uint8),
            "nodes_splits": _tensor(self._splits),
            "nodes_truenodeids": self._children[True],
            "nodes_falsenodeids": self._children[False],
            "nodes_trueleafs": self._are_leaves[True],
            "nodes_falseleafs": self._are_leaves[False],
            "tree_roots": self.roots,
            "leaf_targetids": self._targets,
            "leaf_weights": _tensor(self._weights),
            "n_targets": self._outputs,
            "aggregate_function": _SUM,
        }
        if self._members:
            attributes["membership_values"] = _tensor(self._members)
        return helper.make_node(
            "TreeEnsemble", [INPUT], [output], domain="ai.onnx.ml", **attributes
        )

    def _node(self, given: dict[str, Any]) -> int:
        if given.get("missing_type") == "Zero":
            raise ExportFailed("LightGBM's zero_as_missing has no ONNX form; leave it out")
        self._features.append(int(given["split_feature"]))
        if given["decision_type"] == "==":
            self._modes.append(_MEMBER)
            self._splits.append(0.0)
            self._members += [*map(float, str(given["threshold"]).split("||")), float("nan")]
        else:
            self._modes.append(_LEQ)
            self._splits.append(_down(float(given["threshold"])))
        for side in (True, False):
            self._children[side].append(0)
            self._are_leaves[side].append(0)
        return len(self._features) - 1

    def _leaf(self, given: dict[str, Any], target: int) -> int:
        if "leaf_coeff" in given:
            raise ExportFailed("LightGBM's linear_tree has no ONNX form; leave it out")
        self._targets.append(target)
        self._weights.append(float(given["leaf_value"]))
        return len(self._weights) - 1


def _down(threshold: float) -> float:
    """The largest float32 that is not above a double."""
    near = np.float32(threshold)
    # as doubles: numpy compares a float32 with a Python float in 32 bits
    above = float(near) > threshold
    return float(np.nextafter(near, np.float32(-np.inf)) if above else near)


def _tensor(values: list[Any], kind: type = np.float32) -> onnx.TensorProto:
    return numpy_helper.from_array(np.array(values, dtype=kind))


def _value(name: str, width: int) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])
