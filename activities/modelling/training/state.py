"""States of networks and optimizers as tensors and JSON: nothing in a file that could run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor

from perennial.contracts.errors import ProjectInvalid

_LENGTH = 8  # bytes in which safetensors says how long its header is


def pack(state: Mapping[str, Any]) -> bytes:
    """A nest of mappings, lists, plain values and tensors as safetensors.

    Raises:
        ProjectInvalid: it holds something else.
    """
    tensors: dict[str, Tensor] = {}
    shape = flatten(state, tensors)
    # copies: safetensors refuses tensors that share memory, as tied weights do
    copies = {name: t.detach().to("cpu", copy=True).contiguous() for name, t in tensors.items()}
    data: bytes = save(copies, metadata={"state": json.dumps(shape)})
    return data


def unpack(data: bytes) -> Any:
    """What was packed; tensors on the CPU."""
    header = json.loads(data[_LENGTH : _LENGTH + int.from_bytes(data[:_LENGTH], "little")])
    return _nest(json.loads(header["__metadata__"]["state"]), load(data))


def flatten(state: Any, tensors: dict[str, Tensor], where: str = "") -> Any:
    """The nest as JSON, with its tensors put aside by name.

    Raises:
        ProjectInvalid: a value is neither plain nor a tensor; the message says which.
    """
    if isinstance(state, torch.Tensor):
        name = str(len(tensors))
        tensors[name] = state
        return {"tensor": name}
    if isinstance(state, Mapping):
        # pairs, since an optimizer numbers its parameters and JSON has only text for keys
        pairs = [[key, flatten(v, tensors, f"{where}.{key}")] for key, v in state.items()]
        return {"mapping": pairs}
    if isinstance(state, list | tuple):
        kind = "tuple" if isinstance(state, tuple) else "list"
        return {kind: [flatten(v, tensors, f"{where}[{i}]") for i, v in enumerate(state)]}
    if state is None or isinstance(state, bool | int | float | str):
        return state
    raise ProjectInvalid(
        f"the state of {where.lstrip('.')} is a {type(state).__name__}, which no checkpoint holds; "
        f"let state_dict() return tensors, numbers, text, lists and mappings only"
    )


def _nest(shape: Any, tensors: Mapping[str, Tensor]) -> Any:
    if not isinstance(shape, dict):
        return shape
    ((kind, value),) = shape.items()
    if kind == "tensor":
        return tensors[value]
    if kind == "mapping":
        return {key: _nest(part, tensors) for key, part in value}
    parts = [_nest(part, tensors) for part in value]
    return tuple(parts) if kind == "tuple" else parts
