"""How the relation between what a model is asked and what is true has changed, by its errors."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from perennial.contracts.analysis import Verdict
from perennial.contracts.base import Contract, Utc
from perennial.contracts.spec_part import Environment


class WindowKey(NamedTuple):
    """What names a window."""

    model: str
    environment: Environment
    version: int
    start: datetime


class WindowErrors(Contract):
    """A window's errors in the order of their events, so few that they can be kept with it.

    Attributes:
        start: of the first row.
        rows: all of them.
        each: so many rows are a part; the last part has what is left.
        seconds: from `start` to each part's first row.
        means: each part's mean error.
    """

    start: Utc
    rows: int = Field(ge=1)
    each: int = Field(ge=1)
    seconds: tuple[int, ...]
    means: tuple[float, ...]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if not len(self.seconds) == len(self.means) == -(-self.rows // self.each):
            raise ValueError(f"{self.rows} rows are not {len(self.means)} parts of {self.each}")
        return self


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
        rows: whose error is known, of all windows that were looked at.
        windows: how many those were.
        changes: oldest first; none where the errors are of one kind throughout.
        worse: mean error after the newest change less the one before the oldest; 0 without any.
        verdict: `fail` where errors have grown by more than the alert limit since then,
            `inconclusive` by more than the warn limit alone; `no_data` without a limit.
        reason: the sentence with the numbers.
        excess: how many times its alert limit the growth is.
    """

    rows: int = Field(ge=0)
    windows: int = Field(default=1, ge=0)
    changes: tuple[ErrorChange, ...] = ()
    worse: float = 0.0
    verdict: Verdict = "no_data"
    reason: str
    excess: float = Field(default=0.0, ge=0)
