"""The requests of a page as columns, where they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from perennial.contracts.request_log import STRUCT_COLUMNS
from serving.pieces import joined, transposed
from serving.record_head import HEAD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serving.pages import Page


class Texts(NamedTuple):
    """Texts one behind the other, as callers sent them.

    Attributes:
        sizes: of each in bytes, int32; -1 where there is none.
        data: bytes of all.
    """

    sizes: NDArray[np.int32]
    data: bytes


class Numbers(NamedTuple):
    """Columns of numbers.

    Attributes:
        values: `[columns, rows]`, float32.
        unknown: of each column, whether it holds NaN.
    """

    values: NDArray[np.float32]
    unknown: NDArray[np.bool_]


class Columns(NamedTuple):
    """All requests of a page.

    Attributes:
        at: of each request, seconds since 1970, float64.
        seconds: until each was answered; of copies, that they were computed; float32.
        rows: of each request, int32.
        named: whether each caller asked for the variant, bool.
        request_ids: as the callers got them back; a copy has that of its request.
        entities: whose values decided who answers.
        inputs: values of all rows by name: numbers, texts, or float32 row by row where columns are
            many.
        answers: of all rows, `[classes, rows]` or `[1, rows]`; None where the variant failed.
    """

    at: NDArray[np.float64]
    seconds: NDArray[np.float32]
    rows: NDArray[np.int32]
    named: NDArray[np.bool_]
    request_ids: Texts
    entities: Texts
    inputs: dict[str, Numbers | Texts | NDArray[np.float32]]
    answers: Numbers | None


def columns(page: Page) -> Columns:
    """All that is on it."""
    records, texts = _Records(page), [each for each in page.of.inputs if each.text]
    form = [*HEAD, *((f"text {each.name}", "i") for each in texts)]
    kind = np.dtype([(name, f"<{'i4' if code == 'i' else code}") for name, code in form])
    head = np.frombuffer(records.taken(np.full(len(records.left), kind.itemsize)), kind)
    rows = head["rows"].copy()
    inputs: dict[str, Numbers | Texts | NDArray[np.float32]] = {}
    for each in page.of.inputs:
        if each.text:
            sizes = np.frombuffer(records.taken(4 * rows), np.int32)
            data = records.taken(head[f"text {each.name}"] - 4 * rows)
            inputs[each.name] = Texts(sizes, data)
        elif len(each.columns) <= STRUCT_COLUMNS:
            inputs[each.name] = records.numbers(rows, len(each.columns))
        else:
            numbers = records.taken(4 * rows * len(each.columns))
            inputs[each.name] = np.frombuffer(numbers, np.float32)
    names = head["request_id"], np.maximum(head["entity"], 0)
    answered = bool((records.left > names[0] + names[1]).any())
    answers = records.numbers(rows, len(page.of.classes) or 1) if answered else None
    return Columns(
        at=head["at"].copy(),
        seconds=head["seconds"].copy(),
        rows=rows,
        named=head["named"].copy(),
        request_ids=Texts(head["request_id"].copy(), records.taken(names[0])),
        entities=Texts(head["entity"].copy(), records.taken(names[1])),
        inputs=inputs,
        answers=answers,
    )


class _Records:
    """The records of a page, taken apart piece by piece, from their beginnings on.

    Attributes:
        left: bytes of each that have not been taken.
    """

    def __init__(self, page: Page) -> None:
        self._memory = page.memory
        self._ends = np.frombuffer(page.starts, np.uint32).astype(np.int64)
        self.left = np.frombuffer(page.sizes, np.uint32).astype(np.int64)
        self._ends += self.left

    def taken(self, sizes: NDArray[np.integer]) -> bytes:
        """The next so many bytes of each, one behind the other."""
        places = self._ends - self.left
        self.left = self.left - sizes
        return joined(self._memory, places, sizes.astype(np.int64))

    def numbers(self, rows: NDArray[np.int32], width: int) -> Numbers:
        """The next so many rows of each, column by column."""
        places = self._ends - self.left
        self.left = self.left - 4 * width * rows
        return Numbers(*transposed(self._memory, places, rows, width))
