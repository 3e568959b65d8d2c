"""What rows of a reference say of a window, where its profile is not enough."""

from __future__ import annotations

from perennial.contracts.analysis import Verdict
from perennial.contracts.base import Contract
from perennial.contracts.drift import WindowVerdict


class SegmentVerdict(Contract):
    """The part of a window that has one value of a column.

    Attributes:
        segment: as in `origin=EWR`.
        rows: of it.
        share: of the window's rows, from 0 to 1.
    """

    segment: str
    rows: int
    share: float
    verdict: WindowVerdict


class Multivariate(Contract):
    """How well a classifier tells a window's rows from the reference's (domain classifier).

    Attributes:
        auc: area under its curve on rows that it has not seen: 0.5 where nothing moved.
        verdict: `fail` beyond 0.75, `inconclusive` beyond 0.6, chance taken off.
        columns: that it tells them by, the most telling first.
    """

    auc: float
    verdict: Verdict
    reason: str
    columns: tuple[str, ...] = ()
