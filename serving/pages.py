"""Requests that wait to be logged: a page for each variant, and a record for each request."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from functools import lru_cache
from mmap import mmap
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from perennial.contracts.serving import Deployment, Variant
from serving.columns import Input

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEAD = (
    ("at", "d"),
    ("seconds", "f"),
    ("rows", "i"),
    ("request_id", "i"),
    ("entity", "i"),
    ("named", "?"),
)
"""What each record begins with, and how many bytes each input of texts has. Behind it come what the
variant was asked, what it answered, and last the id and the entity."""


class Whose(NamedTuple):
    """What all requests of a page have in common.

    Attributes:
        deployment: by which they were answered.
        variant: that did.
        copy: whether they were answered for nobody.
        inputs: of the variant's model.
        classes: of its answers; none of a regression.
    """

    deployment: Deployment
    variant: Variant
    copy: bool
    inputs: tuple[Input, ...]
    classes: tuple[str, ...]


class Area:
    """Memory in which requests stand one behind the other until they are written.

    Attributes:
        memory: all of it.
        size: of it in bytes.
        number: which one of those that were made together.
        used: bytes of it so far.
    """

    def __init__(self, memory: memoryview, number: int = 0) -> None:
        self.memory = memory
        self.size = len(memory)
        self.number = number
        self.used = 0


def areas_in(memory: mmap | bytearray) -> list[Area]:
    """The halves of it: one is filled while what is in the other is written."""
    view, half = memoryview(memory), len(memory) // 2
    return [Area(view[number * half : (number + 1) * half], number) for number in (0, 1)]


class Page:
    """Requests of one variant, all answered or all failed, in an area that it shares with others.

    A request is kept as bytes in memory that was there before: its objects would be looked through
    by each collection of garbage, and while they wait, the requests that follow are given memory
    that no cache holds. Columns are made of records where they are written, by another process.

    Attributes:
        of: what all have in common.
        area: they stand in.
        rows: of all requests.
        starts: of each request in the area.
        sizes: of each, in bytes.
    """

    def __init__(self, of: Whose, area: Area) -> None:
        """An empty one."""
        self.of = of
        self.area = area
        self.rows = 0
        self._with_texts = any(each.text for each in of.inputs)
        self.starts = array("I")
        self.sizes = array("I")

    def keep(
        self,
        at: float,
        seconds: float,
        rows: int,
        named: bool,
        request_id: bytes,
        entity: bytes | None,
        inputs: Mapping[str, NDArray[Any]],
        answer: NDArray[np.float32] | None,
    ) -> bool:
        """Keep a request; False where the area has no room for it.

        Args:
            at: seconds since 1970.
            seconds: until it was answered; of a copy, that it was computed.
            rows: of it.
            named: whether the caller asked for the variant.
            request_id: as the caller got it back.
            entity: whose value decided who answers; None where there is none.
            inputs: by name, `[rows, columns]`, float32 or text, in the order of the model's.
            answer: `[rows, classes]` or `[rows, 1]`; None where the variant failed.
        """
        # few steps, all of which each request pays for
        known = -1 if entity is None else len(entity)
        last: Any = b"" if answer is None else answer
        values: Any = inputs.values()
        if self._with_texts:
            values = [
                _packed(block) if each.text else block
                for each, block in zip(self.of.inputs, values, strict=True)
            ]
            sizes = [len(block) for block in values if isinstance(block, bytes)]
            head = _head(len(sizes)).pack(at, seconds, rows, len(request_id), known, named, *sizes)
        else:
            head = _pack(at, seconds, rows, len(request_id), known, named)
        record = b"".join([head, *values, last, request_id, entity or b""])
        area, size = self.area, len(record)
        start = area.used
        end = start + size
        if end > area.size:
            return False
        area.memory[start:end] = record
        area.used = end
        self.starts.append(start)
        self.sizes.append(size)
        self.rows += rows
        return True

    def __getstate__(self) -> dict[str, Any]:
        """All but the memory, which whoever writes sees too."""
        return {name: value for name, value in vars(self).items() if name != "area"}


@lru_cache(16)
def _head(texts: int) -> Struct:
    return Struct("<" + "".join(code for _, code in HEAD) + "i" * texts)


_pack = _head(0).pack


def _packed(values: NDArray[Any]) -> bytes:
    """The size of each text, and behind them all texts."""
    # half a pair of surrogates is no text anywhere else
    texts = [text.encode("utf-8", "replace") for text in values.ravel().tolist()]
    return b"".join([array("i", [len(text) for text in texts]).tobytes(), *texts])
