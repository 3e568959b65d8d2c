"""Labels: what became of the rows that a model was asked about, hours or weeks later."""

from __future__ import annotations

from pydantic import Field

from perennial.contracts.base import Contract, Utc

Truth = bool | int | float | str


class Label(Contract):
    """The truth about one row of one request.

    Attributes:
        request_id: as the caller got it back (`x-request-id`).
        row: of the request, from 0.
        value: the class, or the number.
        at: when it became known.
        asked_at: when the request was made, where that is known: it spares a search.
    """

    request_id: str = Field(min_length=1, max_length=200)
    row: int = Field(default=0, ge=0)
    value: Truth
    at: Utc
    asked_at: Utc | None = None


class LabelsKept(Contract):
    """What became of labels that were sent.

    Attributes:
        new: kept.
        repeated: known already, with the same value.
        changed: known with another value; the one that became known last counts.
    """

    new: int = 0
    repeated: int = 0
    changed: int = 0
