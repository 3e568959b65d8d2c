"""Large requests are read as small ones are, but quicker."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from pydantic_core import from_json

from serving.large_json import loads

NUMBERS = frozenset({"FP32", "INT64"})


def request(data: Any, datatype: str = "FP32", **more: Any) -> bytes:
    tensor = {"name": "x", "shape": [1, 3], "datatype": datatype, "data": data}
    return json.dumps({"id": "7", "inputs": [tensor], **more}).encode()


@pytest.mark.parametrize(
    "data",
    [[1, 2.5, -3e8], [[0.1, 7, 1e300]], [1, 2, 2**62], [], [0.1] * 5000],
    ids=["mixed", "nested", "whole", "empty", "many"],
)
def test_numbers_become_an_array(data: list[Any]) -> None:
    found = loads(request(data), NUMBERS)
    [tensor] = found["inputs"]
    assert isinstance(tensor["data"], np.ndarray) and tensor["data"].dtype == np.float64
    assert tensor["data"].tolist() == np.ravel(data).tolist()
    assert (found["id"], tensor["shape"]) == ("7", [1, 3])


@pytest.mark.parametrize(
    "text",
    [
        request([1.5, None, 2]),
        request([1.5, "two", True]),
        request([1, 2, 10**400]),
        request(["3", "red"], "BYTES"),
        request([3, 4], "BYTES"),
        request([1.5], parameters={"binary_data_output": True}, outputs=[{"name": "p"}]),
        b'{"inputs": [{"name": "x", "parameters": {"binary_data_size": 12}}]}',
        b'{"inputs": {"name": 1}}',
        b'{"outputs": []}',
        b"[1, 2]",
        b'{"inputs": [NaN, 1]}',
    ],
)
def test_whatever_else_is_read_as_ever(text: bytes) -> None:
    found = loads(text, NUMBERS)
    for tensor in found["inputs"] if isinstance(found, dict) and "inputs" in found else ():
        if isinstance(tensor, dict) and isinstance(tensor.get("data"), np.ndarray):
            tensor["data"] = tensor["data"].tolist()
    assert json.dumps(found, sort_keys=True) == json.dumps(from_json(text), sort_keys=True)


@pytest.mark.parametrize("text", [b"{", b"", b'{"inputs": [1}', b"[" * 5000])
def test_what_is_no_json_is_refused_as_ever(text: bytes) -> None:
    with pytest.raises(ValueError):
        loads(text, NUMBERS)
