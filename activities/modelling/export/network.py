"""The network as an ONNX body: preprocessed inputs made from raw numbers, answers people read."""

from __future__ import annotations

import functools
import logging
import re
import threading
import warnings
from typing import Any

import onnx
import torch
from torch import nn
from torch.onnx._internal.exporter._registration import ONNXRegistry

from activities.modelling.models.candidates import activated, arguments
from activities.modelling.models.matrix import CODES, NUMBERS
from activities.modelling.models.preprocessing import Preprocessing
from activities.modelling.projects import Project
from perennial.contracts.errors import ExportFailed

_EXAMPLES = 2
_exporting = threading.Lock()
"""torch patches itself while it traces: one network at a time."""
_OPERATORS = (
    r"No ONNX function found for <OpOverload\(op='([\w.]+)'",
    r"target=torch\.ops\.(\w+\.\w+)",
)

# it warns once an operator of torchvision, at every export, that torchvision is not there
logging.getLogger("torch.onnx._internal.exporter._registration").setLevel(logging.ERROR)
warnings.filterwarnings("ignore", category=UserWarning, module=r"torch\.onnx")
warnings.filterwarnings("ignore", r".*LeafSpec.*is deprecated", FutureWarning)


# torch reads the sources of its 500 operators anew for each export, for half of the export's time
_read_once = staticmethod(functools.cache(ONNXRegistry.from_torchlib))
ONNXRegistry.from_torchlib = _read_once  # type: ignore[method-assign]


class Served(nn.Module):
    """Raw numbers and codes in, probabilities or predictions out."""

    mean: torch.Tensor
    scale: torch.Tensor

    def __init__(self, network: nn.Module, preprocessing: Preprocessing) -> None:
        super().__init__()
        self.network = network
        self._preprocessing = preprocessing
        self.register_buffer("mean", torch.tensor(preprocessing.mean, dtype=torch.float32))
        self.register_buffer("scale", torch.tensor(preprocessing.scale, dtype=torch.float32))

    def forward(self, *parts: torch.Tensor) -> torch.Tensor:
        """Numbers `[batch, numbers]` if there are any, then codes `[batch, categories]`."""
        if self._preprocessing.numbers:
            raw, *rest = parts
            known = torch.where(torch.isfinite(raw), raw, self.mean)
            parts = ((known - self.mean) / self.scale, *rest)
        return activated(self.network(*parts), self._preprocessing)


def export_body(
    network: nn.Module, preprocessing: Preprocessing, project: Project, output: str
) -> onnx.ModelProto:
    """The graph of the network, with inputs `net/numbers` and `net/codes`.

    Raises:
        ExportFailed: an operator has no ONNX form, or the batch cannot be any size.
    """
    shape = preprocessing.shape
    examples = arguments(
        torch.zeros(_EXAMPLES, shape.numbers),
        torch.zeros(_EXAMPLES, len(shape.categories), dtype=torch.long),
    )
    names = [
        name
        for name, wanted in ((NUMBERS, shape.numbers), (CODES, len(shape.categories)))
        if wanted
    ]
    batch = torch.export.Dim("batch")
    try:
        with _exporting:
            program = torch.onnx.export(
                Served(network, preprocessing).eval(),
                examples,
                input_names=names,
                output_names=[output],
                dynamic_shapes=(tuple({0: batch} for _ in examples),),
                dynamo=True,
                external_data=False,
                verbose=False,
            )
    except Exception as error:
        raise ExportFailed(_reason(error, project)) from error
    assert program is not None  # None only where a file is written
    body: onnx.ModelProto = program.model_proto
    for value in body.graph.input:
        size = value.type.tensor_type.shape.dim[0]
        if not size.HasField("dim_param"):
            raise ExportFailed(
                f"{project.name}: the ONNX form of the network takes batches of {size.dim_value} "
                f"rows and no others; build() must not loop over rows or read the batch's size "
                f"into Python"
            )
    return body


def rehearse() -> None:
    """Export something tiny: the first export of a process takes seconds longer than others."""
    with _exporting:
        torch.onnx.export(nn.Linear(1, 1).eval(), (torch.zeros(1, 1),), dynamo=True, verbose=False)


def _reason(error: Exception, project: Project) -> str:
    chain = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(str(cause))
        cause = cause.__cause__ or cause.__context__
    for pattern in _OPERATORS:
        for said in reversed(chain):
            if found := re.search(pattern, said):
                return (
                    f"{project.name}: the operator {found[1]} has no ONNX form, so the network "
                    f"cannot be served; build it of other operators"
                )
    if any("data-dependent" in said for said in chain):
        return (
            f"{project.name}: the network's forward decides by the values of its rows (an if, a "
            f"loop or .item() on a tensor), which has no ONNX form; use torch.where"
        )
    last: Any = chain[-1].strip().splitlines() or [type(error).__name__]
    return f"{project.name}: the network has no ONNX form: {last[0]}"
