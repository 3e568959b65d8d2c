"""Parts of a window that have one value of a column, each beside the same part of the reference.

A segment has a mix of its own: flights from Newark are not flights. So it is compared with the
reference's rows of the same value and not with all of them, whose profile would show a drift that
is none. That its share has changed is the drift of the column by which segments are made.

What the model answered is not compared by segment: no answers are kept with the reference's rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.data.profiles import sketch_frame
from activities.modelling.monitoring.drift import compare
from activities.modelling.monitoring.verdicts import without
from activities.modelling.values import as_text
from perennial.analysis.judging import judge
from perennial.contracts.beside_rows import SegmentVerdict
from perennial.contracts.drift import DriftLimits

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Places = NDArray[np.intp]

_VALUES = 20
_ROWS = 5_000
"""Of a segment and side, at most: PSI has a chance of about 0.004 then."""
_SAID = 20


@dataclass(frozen=True)
class Sides:
    """What is compared.

    Attributes:
        rows: of the window.
        reference: rows of the snapshot.
        columns: that the model reads.
    """

    rows: pd.DataFrame
    reference: pd.DataFrame
    columns: Sequence[str]


def judge_segments(
    sides: Sides, by: Sequence[str], limits: DriftLimits, seed: int
) -> tuple[SegmentVerdict, ...]:
    """The 20 most frequent values of each column that have enough rows in the window.

    Args:
        sides: the window and its reference.
        by: columns whose values make segments, one column at a time.
        limits: as for the whole window.
        seed: of the samples of large segments.

    Returns:
        Those that moved most first, 20 at most. A column that requests do not hold is an `error`;
        a value that the reference hardly holds has `no_data`.
    """
    rng = np.random.default_rng(seed)
    found = [each for column in by for each in _of_column(sides, column, limits, rng)]
    found.sort(key=lambda each: (each.verdict.verdict != "error", -each.verdict.excess, -each.rows))
    return tuple(found[:_SAID])


def _of_column(
    sides: Sides, column: str, limits: DriftLimits, rng: np.random.Generator
) -> list[SegmentVerdict]:
    for which, frame in (("requests", sides.rows), ("the rows of the snapshot", sides.reference)):
        if column not in frame:
            reason = f"segments: {which} have no column {column}; name an input of the model"
            return [
                SegmentVerdict(segment=column, rows=0, share=0, verdict=without("error", reason))
            ]
    names = [name for name in sides.columns if name != column]
    usual, now, values = _keys(sides.reference[column], sides.rows[column])
    counts = np.bincount(now, minlength=len(values))
    frequent = np.argsort(-counts, kind="stable")[:_VALUES]
    found = []
    for place in frequent[counts[frequent] >= limits.rows].tolist():
        value, count = values[place], int(counts[place])
        if not value:  # what is missing is no segment
            continue
        # a column that one side does not have is told as that
        part, other = (
            sketch_frame(_some(frame, keys == place, rng).filter(names))
            for frame, keys in ((sides.reference, usual), (sides.rows, now))
        )
        found.append(
            SegmentVerdict(
                segment=f"{column}={value}",
                rows=count,
                share=count / len(now),
                verdict=judge(compare(part, other, names), limits),
            )
        )
    return found


def as_asked(column: pd.Series) -> pd.Series:
    """Numbers as the model gets them: whose value is 1 in a snapshot is 1.0 in a request."""
    if pd.api.types.is_numeric_dtype(column):
        return column.astype("float64").astype("float32")
    return column


def _keys(usual: pd.Series, now: pd.Series) -> tuple[Places, Places, NDArray[np.object_]]:
    """Of each row its value's place, `[rows]` of each side, and the values as text.

    Numbers are read as the model gets them, and categories too.
    """
    both = [usual, now]
    if all(pd.api.types.is_numeric_dtype(side) for side in both):
        both = [as_asked(side) for side in both]
    places, values = pd.factorize(np.concatenate([as_text(side) for side in both]))
    return places[: len(usual)], places[len(usual) :], values


def _some(frame: pd.DataFrame, mine: NDArray[np.bool_], rng: np.random.Generator) -> pd.DataFrame:
    places = np.flatnonzero(mine)
    if len(places) > _ROWS:
        places = np.sort(rng.choice(places, _ROWS, replace=False))
    return frame.iloc[places]
