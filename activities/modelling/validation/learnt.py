"""Limits that nobody wrote down: the rows beside the reference profile of those before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from activities.modelling.data.parted import Part, Parted
from activities.modelling.validation.violations import Broken, violation
from activities.modelling.values import as_text
from perennial.authoring import Features
from perennial.contracts.data import ColumnSummary, ProfileSummary, Violation
from perennial.contracts.data_plan import LearntLimits

_CUT = 128
"""Characters of a text that a profile keeps."""
CHECKS = 3
"""Of each column: what is missing, what is outside, and what kind its values are."""
_EXAMPLES = 3


class Learnt:
    """Every limit that rows break; columns that the reference does not have have none."""

    def __init__(
        self, rows: Parted, features: Features, reference: ProfileSummary, limits: LearntLimits
    ) -> None:
        """Begin with no row.

        Args:
            rows: that are going to be looked at.
            features: the columns.
            reference: of the rows before.
            limits: how far these may be from those.
        """
        self._rows, self._features = rows, features
        self._reference, self._limits = reference, limits
        known = {each.column: each for each in reference.columns}
        self._columns = [
            _Column(known[name], name in features.categorical)
            for name in (*features.inputs, features.target)
            if name in known and known[name].known
        ]

    def add(self, part: Part) -> None:
        """Look at some rows."""
        for column in self._columns:
            column.add(part.start, part.frame[column.usual.column])

    def broken(self) -> Iterator[Violation]:
        """What was found in all rows."""
        count, before, limits = self._rows.count, self._reference.rows, self._limits
        if count < limits.rows * before:
            yield Violation(
                check="learnt_rows",
                count=count,
                message=f"there are {count:,} rows, and were {before:,} before: less than "
                f"data.learnt.rows ({limits.rows:g}) of them",
            )
        for column in self._columns:
            yield from column.broken(self._rows, self._features, limits)


class _Column:
    """One column beside what it was."""

    def __init__(self, usual: ColumnSummary, categorical: bool) -> None:
        self.usual, self._categorical = usual, categorical
        self._missing, self._unusual = Broken(), Broken()
        self._known = 0
        self._number = True
        self._values = set(usual.counts) if usual.whole else None
        self._examples: list[str] = []

    @property
    def _kind_differs(self) -> bool:
        return (self.usual.kind == "number") != self._number

    @property
    def _of_text(self) -> bool:
        return self._categorical or not self._number

    def add(self, start: int, column: pd.Series) -> None:
        missing = column.isna().to_numpy()
        self._missing.add(start, missing)
        self._number = pd.api.types.is_numeric_dtype(column)
        if self._kind_differs or missing.all():
            return
        if not self._of_text:
            if self.usual.quantiles:
                self._outside(start, column)
        elif self._values is not None and not pd.api.types.is_bool_dtype(column):
            self._new(start, column)

    def _outside(self, start: int, column: pd.Series) -> None:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        low, high = self.usual.quantiles[0], self.usual.quantiles[-1]
        # an infinity is told by a check of its own
        finite = np.isfinite(values)
        far = np.maximum(low - values, values - high)
        self._known += int(finite.sum())
        self._unusual.add(start, finite & (far > 0), far)

    def _new(self, start: int, column: pd.Series) -> None:
        texts = pd.Series(as_text(column)).str.slice(0, _CUT)
        known = column.notna().to_numpy() & (texts != "").to_numpy()
        new = known & ~texts.isin(self._values or set()).to_numpy()
        self._known += int(known.sum())
        self._unusual.add(start, new)
        if new.any() and len(self._examples) < _EXAMPLES:
            examples = [*self._examples, *texts[new].unique().tolist()]
            self._examples = list(dict.fromkeys(examples))[:_EXAMPLES]

    def broken(self, rows: Parted, features: Features, limits: LearntLimits) -> Iterator[Violation]:
        name, before = self.usual.column, self.usual.missing / self.usual.rows
        if self._missing.count / rows.count > before + limits.missing:
            what = f"is missing (before in {before:.1%})"
            yield violation("learnt_missing", name, self._missing, what, rows, features)
        if self._missing.count == rows.count:
            return
        if self._kind_differs:
            now = "numbers" if self._number else "text"
            yield Violation(
                check="learnt_kind",
                column=name,
                count=rows.count - self._missing.count,
                message=f"{name} holds {now}, and did not before",
            )
        elif self._of_text:
            if self._unusual.count > limits.unknown * self._known:
                examples = ", ".join(repr(text) for text in self._examples)
                what = f"is a value that was not there before (such as {examples})"
                yield violation("learnt_category", name, self._unusual, what, rows, features)
        elif self._unusual.count > limits.outside * self._known:
            low, high = self.usual.quantiles[0], self.usual.quantiles[-1]
            what = f"is outside of what it was before ({low:g} to {high:g})"
            yield violation("learnt_range", name, self._unusual, what, rows, features)
