"""Large inference requests in JSON: their numbers become an array without becoming objects first.

Objects for 6,400 numbers take three times as long to make as simdjson takes to read them.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import simdjson
from pydantic_core import from_json

_local = threading.local()
_BYTES, _BYTES_A_TENSOR = 512, 400
"""From which on it pays: a parser is started, and each tensor asked for its parts."""


def is_large(size: int, tensors: int) -> bool:
    """Whether a request of so many bytes is read sooner this way."""
    return size > _BYTES + _BYTES_A_TENSOR * tensors


def loads(text: bytes, numbers: frozenset[str]) -> Any:
    """A request, as `from_json` reads it, but for its tensors' numbers.

    Args:
        text: JSON.
        numbers: the datatypes whose `data` is numbers.

    Returns:
        The same; `data` of those tensors is a float64 array wherever it holds numbers only.

    Raises:
        ValueError: it is no JSON.
    """
    parser = getattr(_local, "parser", None)
    if parser is None:
        parser = _local.parser = simdjson.Parser()  # with memory that it keeps, so one a thread
    try:
        return _read(parser.parse(text), numbers)
    except (ValueError, TypeError, AttributeError, KeyError, RuntimeError):
        # what is wrong is said by the reader of small requests, so that there is one wording
        return from_json(text)


def _read(document: Any, numbers: frozenset[str]) -> dict[str, Any]:
    said = {key: _plain(document[key]) for key in list(document.keys()) if key != "inputs"}
    return {**said, "inputs": [_tensor(each, numbers) for each in document["inputs"]]}


def _tensor(each: Any, numbers: frozenset[str]) -> dict[str, Any]:
    names = list(each.keys())
    said = {key: _plain(each[key]) for key in names if key != "data"}
    if "data" in names:
        data = each["data"]
        said["data"] = _numbers(data) if said.get("datatype") in numbers else _plain(data)
    return said


def _numbers(data: Any) -> Any:
    try:
        return np.frombuffer(data.as_buffer(of_type="d"))
    except (ValueError, TypeError, RuntimeError):  # null, text, or an array that is uneven
        return _plain(data)


def _plain(value: Any) -> Any:
    if isinstance(value, simdjson.Array):
        return value.as_list()
    if isinstance(value, simdjson.Object):
        return value.as_dict()
    return value
