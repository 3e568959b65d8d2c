"""How the relation between what a model is asked and what is true has changed, by its errors."""

from __future__ import annotations

from pydantic import Field

from perennial.contracts.base import Contract, Utc


class ErrorChange(Contract):
    """A moment from which on a model errs otherwise.

    Attributes:
        at: of the first row of the new kind, as far as can be told.
        before: mean error of the rows before it, back to the change before that.
        after: the same of those from it on, up to the next change.
        rows: from it on, up to the next change.
    """

    at: Utc
    before: float
    after: float
    rows: int = Field(ge=1)


class ConceptDrift(Contract):
    """What a sequence of errors shows.

    Attributes:
        rows: whose error is known.
        changes: oldest first; none where the errors are of one kind throughout.
        worse: mean error after the newest change less the one before the oldest; 0 without any.
        reason: the sentence with the numbers.
    """

    rows: int = Field(ge=0)
    changes: tuple[ErrorChange, ...] = ()
    worse: float = 0.0
    reason: str
