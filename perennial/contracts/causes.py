"""Why a window is as it is: what moved its answers, and what they came from."""

from __future__ import annotations

from pydantic import Field

from perennial.contracts.base import Contract, Utc


class Upstream(Contract):
    """What a window's answers came from, of which each may be why they are others.

    Attributes:
        start: of the window.
        version: the champion.
        snapshot: digest of the rows that it learnt from.
        code: digest of the project's source.
        policy: digest of the policy that was asked about the window; empty where none was.
        traffic: rows by version.
    """

    start: Utc | None = None
    version: int = 0
    snapshot: str = ""
    code: str = ""
    policy: str = ""
    traffic: dict[int, int] = Field(default_factory=dict)


class ColumnEffect(Contract):
    """What a column changes in a champion's answers.

    Attributes:
        change: of the mean answer, in its own unit: as it is, less what it would be with the
            reference's values of this column.
        share: of the sum of all columns' changes, each without its sign, from 0 to 1.
    """

    column: str
    change: float
    share: float


class SegmentEffect(Contract):
    """What the rows that have one value of a column contribute to the change of the answers.

    Attributes:
        segment: as in `origin=EWR`.
        change: of the mean answer of all rows that comes from these, with all columns at once: the
            changes of all of a column's values are `together`.
        share: of the sum over the column's values, each without its sign, from 0 to 1.
        rows: of those that were asked again.
    """

    segment: str
    change: float
    share: float
    rows: int


class AnswersMoved(Contract):
    """What the columns that moved change in a window's answers, each by itself.

    Attributes:
        answer: that is looked at: `prediction`, or `probability.CLASS`.
        mean: of it, over the rows.
        together: its change with all the columns at once. The columns' own changes need not add up
            to it: what two of them do together is nobody's.
        rows: that were asked again.
        columns: the largest change first.
        segments: by the plan's segments, those of each column with the largest change first.
    """

    answer: str
    mean: float
    together: float
    rows: int
    columns: tuple[ColumnEffect, ...]
    segments: tuple[SegmentEffect, ...] = ()
