"""How a broken rule is told: which, where, how often, and the worst rows by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from activities.modelling.data.parted import Parted
from perennial.authoring import Features
from perennial.contracts.data import Violation

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMED = 10
"""Rows that are named: the others are counted. A frame has no place in a message."""


class Broken:
    """Rows that break a rule: how many, and where the first or the worst of them are.

    Attributes:
        count: of all of them.
        at: positions of those to be named, the worst first.
    """

    def __init__(self) -> None:
        self.count = 0
        self.at: NDArray[np.intp] = np.empty(0, dtype=np.intp)
        self._badness: NDArray[np.float64] = np.empty(0)

    def add(
        self, start: int, bad: NDArray[np.bool_], badness: NDArray[np.float64] | None = None
    ) -> None:
        """Take a part's rows.

        Args:
            start: how many rows are before it.
            bad: which of its rows break the rule `[rows]`.
            badness: `[rows]`, the worst with the largest; without it the first rows are named.
        """
        here = np.flatnonzero(bad)
        if len(here):
            how_bad = None if badness is None else badness[here]
            self.add_at(here + start, len(here), how_bad)

    def add_at(
        self, at: NDArray[np.intp], count: int, badness: NDArray[np.float64] | None = None
    ) -> None:
        """Take rows by their positions, among which the first or worst are; `count` is of all."""
        self.count += count
        both = np.concatenate([self.at, at])
        if badness is None:
            self.at = np.sort(both)[:NAMED]
            return
        how_bad = np.concatenate([self._badness, badness])
        worst = np.lexsort((both, -how_bad))[:NAMED]
        self.at, self._badness = both[worst], how_bad[worst]


def violation(
    check: str,
    column: str | None,
    broken: Broken,
    what: str,
    rows: Parted,
    features: Features,
    *,
    named: int = NAMED,
) -> Violation:
    """A broken rule.

    Args:
        check: its name.
        column: that breaks it.
        broken: the rows that do.
        what: is said of the column.
        rows: all of them.
        features: whose key names them.
        named: so many rows are, at most.
    """
    names = rows.names(features.key, broken.at[:named])
    where = ": " + ", ".join(names) + (", ..." if broken.count > len(names) else "")
    return Violation(
        check=check,
        column=column,
        count=broken.count,
        rows=names,
        message=f"{column or 'the table'} {what} in {broken.count:,} of {rows.count:,} rows"
        f"{where if names else ''}",
    )
