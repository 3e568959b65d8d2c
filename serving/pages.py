"""Requests that wait to be logged: a page for each variant, column by column."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from pickle import PickleBuffer
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from perennial.contracts.serving import Deployment, Variant
from serving.columns import Input

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serving.computing import Inputs

_SENT = 1024 * 1024
"""Bytes that become one buffer: it is made while requests wait."""


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


class Requests(NamedTuple):
    """Some requests of a page. Each list has an item for each of them.

    Attributes:
        at: seconds since 1970.
        seconds: until they were answered; of copies, that they were computed.
        rows: of each.
        named: whether the caller asked for the variant.
        request_ids: as the callers got them back; a copy has that of its request.
        entities: whose values decided who answers; None where there is none.
        inputs: by name, `[rows, columns]`.
        answers: `[rows, classes]` or `[rows, 1]`; empty where the variant failed.
    """

    at: list[float]
    seconds: list[float]
    rows: list[int]
    named: list[bool]
    request_ids: list[bytes]
    entities: list[bytes | None]
    inputs: list[Inputs]
    answers: list[NDArray[np.float32]]


class Chunk(NamedTuple):
    """The same as bytes, the columns one behind the other.

    Attributes:
        rows: of all requests.
        lengths: of each column in bytes.
        data: of all columns.
    """

    rows: int
    lengths: list[int]
    data: bytes

    @property
    def size(self) -> int:
        """Bytes that it needs."""
        return len(self.data) + 4 * len(self.lengths)


class Texts(NamedTuple):
    """Texts one behind the other, as callers sent them.

    Attributes:
        sizes: of each in bytes; -1 where there is none.
        data: bytes of all.
    """

    sizes: NDArray[np.int32]
    data: bytes


class Columns(NamedTuple):
    """All requests of a page, as `Requests` has them, but with an array for each column.

    Attributes:
        at: float64.
        seconds: float32.
        rows: of each request, int32.
        named: bool.
        request_ids: of each request.
        entities: of each request.
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


class Page:
    """Requests of one variant, all answered or all failed.

    What is kept is copied once, into a piece of memory for some requests together: objects that
    wait by the thousand would be looked through by each collection of garbage, and buffers that
    grow are copied again and again while requests wait. Columns are put together where they are
    written.

    Attributes:
        of: what all have in common.
        rows: of all requests.
        size: bytes that they need.
    """

    def __init__(self, of: Whose) -> None:
        """An empty one."""
        self.of = of
        self.rows = self.size = 0
        self._lengths = array("I")
        self._data: Sequence[bytes | PickleBuffer] = []

    def pack(self, some: Requests) -> Chunk:
        """Requests as the page keeps them."""
        columns = [
            array("d", some.at).tobytes(),
            array("f", some.seconds).tobytes(),
            array("i", some.rows).tobytes(),
            bytes(some.named),
            *_texts(some.request_ids),
            *_texts(some.entities),
        ]
        for each in self.of.inputs:
            values = [inputs[each.name] for inputs in some.inputs]
            if each.text:
                columns += _texts([_bytes(text) for of in values for text in of.ravel().tolist()])
            else:
                columns.append(b"".join([of.data for of in values]))
        columns.append(b"".join([answer.data for answer in some.answers]))
        return Chunk(sum(some.rows), [len(column) for column in columns], b"".join(columns))

    def add(self, chunk: Chunk) -> None:
        """Keep what was packed for this page."""
        assert isinstance(self._data, list)  # a page that was sent is not written on
        self._data.append(chunk.data)
        self._lengths.extend(chunk.lengths)
        self.rows += chunk.rows
        self.size += chunk.size

    def columns(self) -> Columns:
        """All that is on it."""
        found = self._columns()
        return Columns(
            at=np.frombuffer(next(found), np.float64),
            seconds=np.frombuffer(next(found), np.float32),
            rows=np.frombuffer(next(found), np.int32),
            named=np.frombuffer(next(found), np.bool_),
            request_ids=_read(found),
            entities=_read(found),
            inputs={
                each.name: _read(found) if each.text else np.frombuffer(next(found), np.float32)
                for each in self.of.inputs
            },
            answers=np.frombuffer(next(found), np.float32),
        )

    def __getstate__(self) -> dict[str, Any]:
        """All of it; the data as few buffers, which need not be copied."""
        return {**vars(self), "_data": [PickleBuffer(part) for part in _together(self._data)]}

    def _columns(self) -> Iterator[bytes]:
        """Of all chunks, one after the other."""
        number = 9 + sum(2 if each.text else 1 for each in self.of.inputs)
        lengths = np.frombuffer(self._lengths, np.uint32).astype(np.int64)
        ends = lengths.cumsum().reshape(-1, number)
        starts = ends - lengths.reshape(-1, number)
        data = memoryview(b"".join(self._data))
        for column in range(number):
            places = zip(starts[:, column].tolist(), ends[:, column].tolist(), strict=True)
            yield b"".join([data[start:end] for start, end in places])


def _texts(values: Sequence[bytes | None]) -> tuple[bytes, bytes]:
    sizes = array("i", [-1 if value is None else len(value) for value in values])
    return sizes.tobytes(), b"".join([value for value in values if value])


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # half a pair of surrogates is no text anywhere else


def _read(found: Iterator[bytes]) -> Texts:
    return Texts(np.frombuffer(next(found), np.int32), next(found))


def _together(parts: Iterable[Any]) -> Iterator[bytes]:
    some: list[Any] = []
    size = 0
    for part in parts:
        some.append(part)
        size += len(part)
        if size >= _SENT:
            yield b"".join(some)
            some, size = [], 0
    yield b"".join(some)
