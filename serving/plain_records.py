"""Requests that wait to be logged, kept by Python where no compiler was there (`_records.c`)."""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from functools import lru_cache
from mmap import mmap
from struct import Struct
from typing import TYPE_CHECKING, Any

from serving.record_head import HEAD

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from serving.answering import Turn


class Area:
    """As `serving.records` has it."""

    def __init__(self, memory: memoryview | mmap | bytearray, number: int = 0) -> None:
        self.memory = memoryview(memory)
        self.size = len(self.memory)
        self.number = number
        self.used = 0

    def clear(self) -> None:
        """As `serving.records` has it."""
        self.used = 0


class Records:
    """As `serving.records` has it."""

    def __init__(self, area: Area, ahead: float = 0.0) -> None:
        self.area = area
        self.rows = 0
        self.until = -math.inf
        self._ahead = ahead
        self._starts, self._sizes = array("I"), array("I")

    @property
    def starts(self) -> bytes:
        """Of each request in the area, uint32."""
        return self._starts.tobytes()

    @property
    def sizes(self) -> bytes:
        """Of each in bytes, uint32."""
        return self._sizes.tobytes()

    def take(
        self,
        turn: Turn,
        seconds: float,
        inputs: Mapping[str, NDArray[Any]],
        answer: NDArray[np.float32],
    ) -> bool:
        """As `serving.records` has it."""
        _, _, _, named, began, _, request_id, entity, at = turn  # each look costs
        if at is None:
            at = began + self._ahead
        elif not at < self.until:
            return False
        return self.keep(at, seconds, named, request_id, entity, inputs, answer)

    def keep(
        self,
        at: float,
        seconds: float,
        named: bool,
        request_id: bytes,
        entity: bytes | None,
        inputs: Mapping[str, NDArray[Any]],
        answer: NDArray[np.float32] | None,
    ) -> bool:
        """As `serving.records` has it."""
        values: list[Any] = list(inputs.values())
        rows, texts = len(values[0]), []
        for place, block in enumerate(values):
            if block.dtype.hasobject:
                values[place] = _packed(block)
                texts.append(len(values[place]))
        known = -1 if entity is None else len(entity)
        head = _head(len(texts)).pack(at, seconds, rows, len(request_id), known, named, *texts)
        last: Any = b"" if answer is None else answer
        record = b"".join([head, *values, last, request_id, entity or b""])
        area, size = self.area, len(record)
        start = area.used
        end = start + size
        if end > area.size:
            return False
        area.memory[start:end] = record
        area.used = end
        self._starts.append(start)
        self._sizes.append(size)
        self.rows += rows
        return True


@lru_cache(16)
def _head(texts: int) -> Struct:
    return Struct("<" + "".join(code for _, code in HEAD) + "i" * texts)


def _packed(values: NDArray[Any]) -> bytes:
    """The size of each text, and behind them all texts."""
    # half a pair of surrogates is no text anywhere else
    texts = [text.encode("utf-8", "replace") for text in values.ravel().tolist()]
    return b"".join([array("i", [len(text) for text in texts]).tobytes(), *texts])
