"""Requests that wait to be logged, column by column."""

from __future__ import annotations

from array import array
from pickle import PickleBuffer
from typing import TYPE_CHECKING, Any, NamedTuple

from perennial.contracts.serving import Deployment, Variant
from serving.columns import Input

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from serving.computing import Inputs
    from serving.model import Model

_ROW_BYTES = 60
"""Of a row, beside its inputs."""


class Kept(NamedTuple):
    """One request, as one variant answered it.

    Attributes:
        deployment: by which it was answered.
        variant: that did.
        model: that the variant is.
        request_id: as the caller got it back; a copy has that of its request.
        at: seconds since 1970.
        seconds: until it was answered; of a copy, that it was computed.
        copy: whether it was answered for nobody.
        named: whether the caller asked for the variant.
        entity: whose value decided who answers; None where there is none.
        inputs: by name, `[rows, columns]`.
        answer: `[rows, classes]` or `[rows, 1]`; None where the variant failed.
        rows: of the request.
    """

    deployment: Deployment
    variant: Variant
    model: Model
    request_id: bytes
    at: float
    seconds: float
    copy: bool
    named: bool
    entity: bytes | None
    inputs: Inputs
    answer: NDArray[np.float32] | None
    rows: int


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


class Texts:
    """Texts one behind the other, as callers sent them.

    Attributes:
        data: bytes of all.
        sizes: of each in bytes; -1 where there is none.
    """

    def __init__(self) -> None:
        self.data, self.sizes = bytearray(), array("i")

    def append(self, value: bytes | None) -> None:
        """One more."""
        if value is None:
            self.sizes.append(-1)
        else:
            self.data += value
            self.sizes.append(len(value))

    def __getstate__(self) -> dict[str, Any]:
        """Both, as buffers."""
        return {name: _buffer(value) for name, value in vars(self).items()}


class Page:
    """Requests of one variant, all answered or all failed.

    What is kept is copied into a few buffers: objects that wait by the thousand would be looked
    through by each collection of garbage, and put together while requests wait. Pickled with
    buffers out of band, it costs no copy either.

    Attributes:
        of: what all have in common.
        at: of each request, as `Kept` has it.
        seconds: the same.
        sizes: rows of each request.
        named: the same, a byte each.
        request_ids: the same.
        entities: the same.
        inputs: values of all rows by name: bytes of float32, or texts.
        answers: bytes of float32.
        rows: of all requests.
        size: what they are taken to need, in bytes; the logbook's.
    """

    def __init__(self, first: Kept) -> None:
        """An empty page for requests like this one."""
        model = first.model
        self.of = Whose(first.deployment, first.variant, first.copy, model.inputs, model.classes)
        self.at, self.seconds, self.sizes = array("d"), array("f"), array("i")
        self.named = bytearray()
        self.request_ids, self.entities = Texts(), Texts()
        self.inputs: dict[str, bytearray | list[str]] = {
            each.name: [] if each.text else bytearray() for each in model.inputs
        }
        self.answers = bytearray()
        self.rows = self.size = 0
        self._row_bytes = _ROW_BYTES + sum(each.nbytes for each in first.inputs.values()) // (
            first.rows or 1
        )

    def needs(self, kept: Kept) -> int:
        """Bytes that one more is taken to need."""
        return self._row_bytes * kept.rows + len(kept.request_id) + len(kept.entity or b"")

    def add(self, kept: Kept) -> None:
        """One more."""
        self.at.append(kept.at)
        self.seconds.append(kept.seconds)
        self.sizes.append(kept.rows)
        self.named.append(kept.named)
        self.request_ids.append(kept.request_id)
        self.entities.append(kept.entity)
        for name, into in self.inputs.items():
            values = kept.inputs[name]
            if isinstance(into, bytearray):
                into += values.tobytes()
            else:
                into += values.ravel().tolist()
        if kept.answer is not None:
            self.answers += kept.answer.tobytes()
        self.rows += kept.rows

    def __getstate__(self) -> dict[str, Any]:
        """All of it; buffers as such, so that they need not be copied."""
        inputs = {name: _buffer(values) for name, values in self.inputs.items()}
        state = {name: _buffer(value) for name, value in vars(self).items()}
        return {**state, "inputs": inputs}


def _buffer(value: Any) -> Any:
    return PickleBuffer(value) if isinstance(value, bytearray | array) else value
