"""Labels: what became of the rows that a model was asked about, hours or weeks later."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, FiniteFloat, StrictBool, StrictInt, StringConstraints, model_validator

from perennial.contracts.base import Contract, Utc
from perennial.contracts.label_sources import LabelSource

Truth = Annotated[
    StrictBool
    | Annotated[StrictInt, Field(ge=-(2**53) + 1, le=2**53 - 1)]
    | Annotated[FiniteFloat, Field(strict=True)]
    # NUL is the one character that PostgreSQL does not keep
    | Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")],
    Field(union_mode="smart"),
]

LabelStatus = Literal["waiting", "joined", "given_up"]
"""Whether a label's request is looked for, was found, or is looked for no more."""


class Label(Contract):
    """The truth about one row of one request.

    Attributes:
        request_id: as the caller got it back (`x-request-id`).
        entity: in its place: whose request it was, as the spec's `rollout.entity` has it. The label
            is of the newest request of that entity at `asked_at`, or within the day before.
        row: of the request, from 0.
        value: the class, or the number.
        at: when it became known.
        asked_at: when the request was made, where that is known: it spares a search.
    """

    request_id: str | None = Field(
        default=None, min_length=1, max_length=200, pattern=r"^\S[^\x00]*$"
    )
    entity: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"^[^\x00]+$")
    row: int = Field(default=0, ge=0, le=2**31 - 1, strict=True)
    value: Truth
    at: Utc
    asked_at: Utc | None = None

    @model_validator(mode="after")
    def _of_one_request(self) -> Self:
        if (self.request_id is None) == (self.entity is None):
            raise ValueError("a label names its request_id, or an entity: one of both")
        if self.entity is not None and self.asked_at is None:
            raise ValueError("a label of an entity says when it was asked about, as asked_at")
        return self

    @property
    def key(self) -> str:
        """What names its request. No request id begins with a space: a header's value does not."""
        if self.request_id is not None:
            return self.request_id
        assert self.asked_at is not None
        return f" {self.entity} {self.asked_at.isoformat()}"


class LabelsKept(Contract):
    """What became of labels that were sent.

    Attributes:
        new: kept.
        repeated: known already, with the same value or with one that became known later.
        changed: known with another value; the one that became known last counts.
    """

    new: int = 0
    repeated: int = 0
    changed: int = 0


class LabelCounts(Contract):
    """The labels of a model.

    Attributes:
        waiting: their request is not found yet.
        joined: it is.
        given_up: it was looked for in vain for as long as the spec says.
        changed: of all of them, those that were another value once.
        newest: when the last one came.
        table: how far the table that they are read from is; None where the spec names none, or it
            was not read yet.
    """

    waiting: int = 0
    joined: int = 0
    given_up: int = 0
    changed: int = 0
    newest: Utc | None = None
    table: LabelSource | None = None


class WaitingLabel(NamedTuple):
    """A label whose request is looked for. `key` and `row` name it."""

    key: str
    row: int
    entity: str | None
    asked_at: datetime | None
    received_at: datetime


class FoundRequest(NamedTuple):
    """A label's request: its id and time, as the log has them."""

    key: str
    row: int
    request_id: str
    at: datetime


class LookedFor(NamedTuple):
    """A label whose request was not found; it is looked for again at `again`, or no more."""

    key: str
    row: int
    again: datetime | None


class JoinedLabel(NamedTuple):
    """A label with its request.

    Attributes:
        key: of the label, with `row`.
        row: of the request.
        request_id: as the log has it.
        request_at: the same.
        value: of the label.
        at: when it became known.
        changes: so often it was another value.
        measured: whether its window was measured with this value.
    """

    key: str
    row: int
    request_id: str
    request_at: datetime
    value: bool | int | float | str
    at: datetime
    changes: int
    measured: bool
