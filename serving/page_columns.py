"""The requests of a page as columns, where they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from serving.pages import HEAD

if TYPE_CHECKING:
    import pyarrow as pa
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


class Columns(NamedTuple):
    """All requests of a page.

    Attributes:
        at: of each request, seconds since 1970, float64.
        seconds: until each was answered; of copies, that they were computed; float32.
        rows: of each request, int32.
        named: whether each caller asked for the variant, bool.
        request_ids: as the callers got them back; a copy has that of its request.
        entities: whose values decided who answers.
        inputs: values of all rows by name: float32 or texts.
        answers: of all rows, float32; empty where the variant failed.
    """

    at: NDArray[np.float64]
    seconds: NDArray[np.float32]
    rows: NDArray[np.int32]
    named: NDArray[np.bool_]
    request_ids: Texts
    entities: Texts
    inputs: dict[str, NDArray[np.float32] | Texts]
    answers: NDArray[np.float32]


def columns(page: Page) -> Columns:
    """All that is on it."""
    records, texts = _Records(page), [each for each in page.of.inputs if each.text]
    form = [*HEAD, *((f"text {each.name}", "i") for each in texts)]
    kind = np.dtype([(name, f"<{'i4' if code == 'i' else code}") for name, code in form])
    head = np.frombuffer(records.taken(np.full(len(records.left), kind.itemsize)), kind)
    rows = head["rows"].copy()
    inputs: dict[str, NDArray[np.float32] | Texts] = {}
    for each in page.of.inputs:
        if each.text:
            sizes = np.frombuffer(records.taken(4 * rows), np.int32)
            data = records.taken(head[f"text {each.name}"] - 4 * rows)
            inputs[each.name] = Texts(sizes, bytes(data))
        else:
            numbers = records.taken(4 * rows * len(each.columns))
            inputs[each.name] = np.frombuffer(numbers, np.float32)
    names = head["request_id"], np.maximum(head["entity"], 0)
    answers = np.frombuffer(records.taken(records.left - names[0] - names[1]), np.float32)
    return Columns(
        at=head["at"].copy(),
        seconds=head["seconds"].copy(),
        rows=rows,
        named=head["named"].copy(),
        request_ids=Texts(head["request_id"].copy(), bytes(records.taken(names[0]))),
        entities=Texts(head["entity"].copy(), bytes(records.taken(names[1]))),
        inputs=inputs,
        answers=answers,
    )


class _Records:
    """The records of a page, taken apart piece by piece, from their beginnings on.

    Attributes:
        left: bytes of each that have not been taken.
    """

    def __init__(self, page: Page) -> None:
        self._data = page.area.memory
        self._starts = np.frombuffer(page.starts, np.uint32).astype(np.int64)
        self._sizes = np.frombuffer(page.sizes, np.uint32).astype(np.int64)
        self._whole = _column(self._data, self._starts, self._sizes)
        self.left = self._sizes.copy()

    def taken(self, sizes: NDArray[np.integer]) -> bytes | pa.Buffer:
        """The next so many bytes of each, one behind the other."""
        import pyarrow.compute as pc

        places = self._sizes - self.left
        self.left = self.left - sizes
        if (places == places[0]).all() and (sizes == sizes[0]).all():
            first = int(places[0])
            pieces = pc.binary_slice(self._whole, first, first + int(sizes[0]))
        else:  # behind texts, or where requests have different numbers of rows
            pieces = _column(self._data, self._starts + places, sizes)
        data: pa.Buffer | None = pieces.buffers()[2]
        return b"" if data is None else data


def _column(
    data: memoryview, starts: NDArray[np.int64], sizes: NDArray[np.integer]
) -> pa.LargeBinaryArray:
    """Pieces of memory as a column, so that Arrow copies them without a step of Python for each.

    To it all of the memory is one, in which every second value is what lies between two pieces.
    """
    import pyarrow as pa

    bounds = np.column_stack([starts, starts + sizes]).ravel()
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(data)]
    column = pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(bounds) - 1, buffers)
    return column.take(pa.array(np.arange(0, len(bounds), 2)))
