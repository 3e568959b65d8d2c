"""Limits that nobody wrote down: the rows beside the reference profile of those before."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.values import as_text
from activities.modelling.violations import violation
from perennial.authoring import Features
from perennial.contracts.data import ColumnSummary, ProfileSummary, Violation
from perennial.contracts.data_plan import LearntLimits

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CUT = 128
"""Characters of a text that a profile keeps."""
CHECKS = 3
"""Of each column: what is missing, what is outside, and what kind its values are."""


def broken(
    frame: pd.DataFrame, features: Features, reference: ProfileSummary, limits: LearntLimits
) -> Iterator[Violation]:
    """Every limit that the rows break; columns that the reference does not have have none."""
    if len(frame) < limits.rows * reference.rows:
        yield Violation(
            check="learnt_rows",
            count=len(frame),
            message=f"there are {len(frame):,} rows, and were {reference.rows:,} before: less than "
            f"data.learnt.rows ({limits.rows:g}) of them",
        )
    known = {each.column: each for each in reference.columns}
    for name in (*features.inputs, features.target):
        if name in known and known[name].known:
            yield from _of_column(name, frame, features, known[name], limits)


def _of_column(
    name: str,
    frame: pd.DataFrame,
    features: Features,
    usual: ColumnSummary,
    limits: LearntLimits,
) -> Iterator[Violation]:
    column = frame[name]
    missing = column.isna().to_numpy()
    before = usual.missing / usual.rows
    if missing.mean() > before + limits.missing:
        what = f"is missing (before in {before:.1%})"
        yield violation("learnt_missing", name, missing, what, frame, features)
    if missing.all():
        return
    number = pd.api.types.is_numeric_dtype(column)
    if (usual.kind == "number") != number:
        now = "numbers" if number else "text"
        yield Violation(
            check="learnt_kind",
            column=name,
            count=int((~missing).sum()),
            message=f"{name} holds {now}, and did not before",
        )
    elif name in features.categorical or not number:
        if usual.whole:
            yield from _unknown(name, frame, features, usual, limits)
    elif usual.quantiles:
        yield from _outside(name, frame, features, usual, limits)


def _outside(
    name: str,
    frame: pd.DataFrame,
    features: Features,
    usual: ColumnSummary,
    limits: LearntLimits,
) -> Iterator[Violation]:
    values = frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
    low, high = usual.quantiles[0], usual.quantiles[-1]
    # an infinity is told by a check of its own
    far: NDArray[np.float64] = np.maximum(low - values, values - high)
    outside = np.isfinite(values) & (far > 0)
    if outside.sum() > limits.outside * np.isfinite(values).sum():
        what = f"is outside of what it was before ({low:g} to {high:g})"
        yield violation("learnt_range", name, outside, what, frame, features, badness=far)


def _unknown(
    name: str,
    frame: pd.DataFrame,
    features: Features,
    usual: ColumnSummary,
    limits: LearntLimits,
) -> Iterator[Violation]:
    if pd.api.types.is_bool_dtype(frame[name]):
        return
    texts = pd.Series(as_text(frame[name])).str.slice(0, _CUT)
    known = frame[name].notna().to_numpy() & (texts != "").to_numpy()
    new = known & ~texts.isin(list(usual.counts)).to_numpy()
    if new.sum() > limits.unknown * known.sum():
        examples = ", ".join(repr(text) for text in texts[new].unique()[:3])
        what = f"is a value that was not there before (such as {examples})"
        yield violation("learnt_category", name, new, what, frame, features)
