"""The Open Inference Protocol, version 2, over REST: JSON, and the extension for binary tensors.

Source: https://github.com/kserve/open-inference-protocol, and Triton's `extension_binary_data`.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson
from pydantic_core import from_json

from perennial.values import text
from serving.errors import BadRow, RequestRefused, TooLarge
from serving.large_json import is_large, loads
from serving.numbers import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serving.columns import Input
    from serving.model import Model

HEADER_LENGTH = "inference-header-content-length"
BYTES = "BYTES"
_NUMBERS = {
    "BOOL": "?",
    "INT8": "i1",
    "INT16": "<i2",
    "INT32": "<i4",
    "INT64": "<i8",
    "UINT8": "u1",
    "UINT16": "<u2",
    "UINT32": "<u4",
    "UINT64": "<u8",
    "FP16": "<f2",
    "FP32": "<f4",
    "FP64": "<f8",
}
_NUMERIC = frozenset(_NUMBERS)
_LENGTH = struct.Struct("<I")


class Asked(NamedTuple):
    """An inference request.

    Attributes:
        id: the caller's name for it, which is given back; empty without one.
        inputs: for `Model.answer`.
        binary: whether the answer is wanted as bytes.
    """

    id: str
    inputs: dict[str, NDArray[Any]]
    binary: bool


def read(model: Model, body: bytes, header_length: int | None, most: int) -> Asked:
    """What is asked.

    Args:
        model: that answers.
        body: JSON, and behind it the tensors that are sent as bytes.
        header_length: bytes of JSON, as `HEADER_LENGTH` says; None where all is JSON.
        most: rows that are taken at once.

    Raises:
        RequestRefused: it is no such request, or its tensors are not the model's inputs.
        TooLarge: there are more than `most` rows.
        BadRow: a value is no number where one is needed.
    """
    head = body if header_length is None else body[:header_length]
    parts: dict[str, memoryview] = {}
    try:
        large = is_large(len(head), len(model.inputs))
        asked = loads(head, _NUMERIC) if large else from_json(head)
        tensors = {tensor["name"]: tensor for tensor in asked["inputs"]}
        binary = (asked.get("parameters") or {}).get("binary_data_output", False)
        if wanted := asked.get("outputs"):
            binary = _wants_bytes(wanted, model.output, binary)
        raw = memoryview(body)[len(head) :]
        for name, tensor in tensors.items():  # in the order in which they were sent
            size = (tensor.get("parameters") or {}).get("binary_data_size")
            if size is not None:
                if not isinstance(size, int) or not 0 <= size <= len(raw):
                    raise RequestRefused(
                        f"input {name!r} has {size} bytes, {len(raw)} are left of the body"
                    )
                parts[name], raw = raw[:size], raw[size:]
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise RequestRefused(
            f"the body is no inference request: {type(error).__name__}: {error}; it is an object "
            f"with `inputs`, each with `name`, `shape`, `datatype` and `data`"
        ) from None
    inputs = {each.name: _tensor(each, tensors, parts, most) for each in model.inputs}
    if len(inputs) > 1 and len({len(values) for values in inputs.values()}) > 1:
        raise RequestRefused("the inputs have different numbers of rows")
    return Asked(str(asked.get("id") or ""), inputs, bool(binary))


def write(
    model: str, version: int, asked: Asked, output: str, answer: NDArray[np.float32]
) -> tuple[bytes, int | None]:
    """The answer's body, and the bytes of JSON at its beginning where tensors follow."""
    tensor: dict[str, Any] = {"name": output, "datatype": "FP32", "shape": list(answer.shape)}
    said = {"model_name": model, "model_version": str(version), "outputs": [tensor]}
    if asked.id:
        said["id"] = asked.id
    if not asked.binary:
        tensor["data"] = answer.ravel()  # in as few digits as tell a float32 from others
        return orjson.dumps(said, option=orjson.OPT_SERIALIZE_NUMPY), None
    data = np.ascontiguousarray(answer, dtype="<f4").tobytes()
    tensor["parameters"] = {"binary_data_size": len(data)}
    head = orjson.dumps(said)
    return head + data, len(head)


def _wants_bytes(wanted: Any, output: str, by_default: Any) -> Any:
    """Whether the answer is wanted as bytes. Raises RequestRefused where another output is."""
    named = [each.get("name", output) for each in wanted]
    if named != [output] * len(named):
        raise RequestRefused(f"the outputs {named} are asked for; there is {output!r} alone")
    return (wanted[0].get("parameters") or {}).get("binary_data", by_default)


def value_of(name: str, body: bytes, header_length: int | None) -> bytes | None:
    """What a tensor holds for the first row, as rows would have it; None where it holds nothing.

    Args:
        name: of the tensor, whether the model takes it or not.
        body: as `read` has it, which says what is wrong with it.
        header_length: the same.
    """
    head = body if header_length is None else body[:header_length]
    try:
        place = len(head)
        for tensor in from_json(head)["inputs"]:
            size = (tensor.get("parameters") or {}).get("binary_data_size")
            if tensor["name"] != name:
                place += size or 0
                continue
            if size is None:
                first = _flat(tensor["data"])[0]
            elif tensor["datatype"] == BYTES:
                first = _texts(memoryview(body)[place : place + size])[0]
            else:  # as it is: float32 would make one of many large numbers
                first = np.frombuffer(body, _NUMBERS[tensor["datatype"]], 1, place)[0].item()
            return None if first is None else text(first).encode()
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RequestRefused):
        return None
    return None


def _tensor(
    each: Input, tensors: dict[str, Any], parts: dict[str, memoryview], most: int
) -> NDArray[Any]:
    tensor = tensors.get(each.name)
    if tensor is None:
        raise RequestRefused(f"the input {each.name!r} is missing")
    shape, kind, width = tensor.get("shape"), tensor.get("datatype"), len(each.columns)
    if not _is_shape(shape) or math.prod(shape[1:]) != width or not shape[0]:
        raise RequestRefused(f"input {each.name!r} has the shape {shape}, not [rows, {width}]")
    if shape[0] > most:
        raise TooLarge(f"{shape[0]} rows are more than the {most} that are taken at once")
    if (
        type(kind) is not str
        or (kind == BYTES) != each.text
        or (kind != BYTES and kind not in _NUMBERS)
    ):
        wanted = BYTES if each.text else "FP32"
        raise RequestRefused(f"input {each.name!r} is of type {kind}, not {wanted}")
    if each.name in parts:
        values = _texts(parts[each.name]) if each.text else _numbers(parts[each.name], kind)
    else:
        values = _plain(each, tensor.get("data"), kind)
    if values.size != shape[0] * width:
        raise RequestRefused(
            f"input {each.name!r} has {values.size} values, {shape[0] * width} by its shape"
        )
    return values.reshape(shape[0], width)


def _is_shape(shape: Any) -> bool:
    if not isinstance(shape, list) or not shape:
        return False
    for size in shape:  # noqa: SIM110 - `all` of a generator costs as much as the rest of this
        if type(size) is not int or size < 0:
            return False
    return True


def _numbers(part: memoryview, kind: str) -> NDArray[np.float32]:
    dtype = np.dtype(_NUMBERS[kind])
    if len(part) % dtype.itemsize:
        raise RequestRefused(f"{len(part)} bytes are no whole number of {kind}")
    return np.frombuffer(part, dtype=dtype).astype(np.float32, copy=False)


def _texts(part: memoryview) -> NDArray[np.object_]:
    """Each with its length before it, in four bytes."""
    found, place = [], 0
    try:
        while place < len(part):
            (length,) = _LENGTH.unpack_from(part, place)
            place += _LENGTH.size
            if place + length > len(part):
                raise ValueError("a text ends behind the tensor")
            found.append(str(part[place : place + length], "utf-8"))
            place += length
    except (struct.error, ValueError) as error:
        raise RequestRefused(f"a tensor of texts cannot be read: {error}") from None
    return np.array(found, dtype=object)


def _plain(each: Input, data: Any, kind: str) -> NDArray[Any]:
    if isinstance(data, np.ndarray) and not each.text:
        with np.errstate(over="ignore"):  # what is too large is infinity, as everywhere
            return data.astype(np.float32)
    if not isinstance(data, list):
        raise RequestRefused(f"input {each.name!r} has no `data`, and no bytes either")
    flat = _flat(data)
    width = len(each.columns)
    if each.text:
        for place, value in enumerate(flat):
            if not isinstance(value, str | int | float):
                raise BadRow(
                    f"row {place // width}, {each.name!r}: {value!r} is no text", place // width
                )
        return np.array([text(value) for value in flat], dtype=object)
    try:
        return floats(flat)
    except TypeError:
        raise _blame(each, flat) from None


def _blame(each: Input, flat: list[Any]) -> BadRow:
    """The first value that is no number."""
    for place, value in enumerate(flat):
        try:
            floats([value])
        except TypeError:
            row = place // len(each.columns)
            return BadRow(f"row {row}, {each.name!r}: {value!r} is no number", row)
    raise AssertionError("called for values of which one is no number")


def _flat(data: list[Any]) -> list[Any]:
    """The protocol takes nested lists as well as flat ones."""
    while data and isinstance(data[0], list):
        if not all(isinstance(part, list) for part in data):
            raise RequestRefused("`data` is nested unevenly")
        data = [value for part in data for value in part]
    return data
