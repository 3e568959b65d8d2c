"""How a broken rule is told: which, where, how often, and the worst rows by key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.values import row_names
from perennial.authoring import Features
from perennial.contracts.data import Violation

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMED = 10
"""Rows that are named: the others are counted. A frame has no place in a message."""


def violation(
    check: str,
    column: str | None,
    bad: NDArray[np.bool_],
    what: str,
    frame: pd.DataFrame,
    features: Features,
    *,
    rows: int = NAMED,
    badness: NDArray[np.float64] | None = None,
) -> Violation:
    """A broken rule.

    Args:
        check: its name.
        column: that breaks it.
        bad: which rows do `[rows]`.
        what: is said of the column.
        frame: all rows.
        features: whose key names them.
        rows: that are named at most.
        badness: `[rows]`, the worst with the largest; without it the first rows are named.
    """
    count, at = int(bad.sum()), np.flatnonzero(bad)
    if badness is not None:
        at = at[np.argsort(-badness[at], kind="stable")]
    names = row_names(frame, features.key, at[:rows])
    where = ": " + ", ".join(names) + (", ..." if count > len(names) else "") if names else ""
    return Violation(
        check=check,
        column=column,
        count=count,
        rows=names,
        message=f"{column or 'the table'} {what} in {count:,} of {len(frame):,} rows{where}",
    )
