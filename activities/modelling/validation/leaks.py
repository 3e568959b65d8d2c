"""Columns that tell what a model will not have when it is asked."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from activities.modelling.data.parted import Part, Parted
from activities.modelling.validation.limits import Limit, fewest_mistakes, limit_of
from activities.modelling.validation.lines import OnALine
from activities.modelling.validation.targets import Target
from activities.modelling.validation.violations import Broken, violation
from perennial.authoring import Features
from perennial.contracts.data import Violation
from perennial.contracts.spec import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FEWEST_ROWS = 10
_ENOUGH_ROWS = 100
_NEARLY = 0.01
"""Of the mistakes that one makes without the column, so many are left with it."""
_DENSE = 1 << 22


class _Column(Protocol):
    """One column beside the target."""

    def add(self, start: int, column: pd.Series, target: pd.Series, codes: _Codes) -> None:
        """Take some rows."""

    @property
    def is_the_target(self) -> bool:
        """Whether it is so in every row so far."""

    def others(self, name: str, rows: Parted) -> Broken | None:
        """The rows in which a column that nearly is the target is not; None where it is not
        nearly."""


class TellingColumns:
    """Columns that are the target under another name, or nearly.

    Of a column there is in memory what it takes to know that it is not, and most are out after the
    first rows.
    """

    def __init__(
        self,
        rows: Parted,
        features: Features,
        task: Task,
        target: Target,
        allowed: Collection[str],
    ) -> None:
        """Begin with no row.

        Args:
            rows: that are going to be looked at.
            features: the columns.
            task: what they are for.
            target: of all rows.
            allowed: columns that may tell it.
        """
        self._rows, self._features, self._task, self._target = rows, features, task, target
        self._columns: dict[str, _Column] = {}
        # with few rows it may well be chance
        if rows.count < _FEWEST_ROWS or target.missing.count or target.too_many:
            return
        enough = rows.count >= _ENOUGH_ROWS
        for name in features.inputs:
            if name in allowed:
                continue
            if task == "regression":
                self._columns[name] = OnALine(rows.count, _NEARLY if enough else None)
            else:
                self._columns[name] = _Classes(features.target, target, enough)

    def add(self, part: Part) -> None:
        """Look at some rows."""
        if not self._columns:
            return
        target = part.frame[self._features.target]
        codes = _Codes(self._target, target)
        for name, column in self._columns.items():
            column.add(part.start, part.frame[name], target, codes)

    def broken(self) -> Iterator[Violation]:
        """What was found in all rows."""
        for name, column in self._columns.items():
            if column.is_the_target:
                every = Broken()
                every.count = self._rows.count
                what = "is the target under another name"
                yield violation("no_leak", name, every, what, self._rows, self._features)
                continue
            other = column.others(name, self._rows)
            if other is not None:
                what = (
                    "is nearly the target under another name: it tells all of it but (name it in "
                    "data.may_tell_target if it is known beforehand)"
                )
                yield violation("no_near_leak", name, other, what, self._rows, self._features)


class _Codes:
    """The classes of some rows, told once for all columns."""

    def __init__(self, target: Target, column: pd.Series) -> None:
        self._target, self._column = target, column
        self._codes: NDArray[np.intp] | None = None

    @property
    def codes(self) -> NDArray[np.intp]:
        if self._codes is None:
            self._codes = self._target.codes(self._column)
        return self._codes


class _Classes:
    """A column beside the classes: which of its values come with which class.

    Where it has more than twice as many values as there are classes they are let go; numbers are
    then asked for one limit between two classes.
    """

    def __init__(self, target_name: str, target: Target, enough: bool) -> None:
        self._target_name, self._target = target_name, target
        self._allowed = _NEARLY * target.guessed
        self._nearly = enough and target.guessed > 0
        self._values: dict[Hashable, int] = {}
        self._missing = 0
        self._same = True
        self._pairs: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._often: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._many = False
        self._mistakes = np.zeros(2, dtype=np.int64)

    @property
    def is_the_target(self) -> bool:
        return self._same

    def add(self, start: int, column: pd.Series, target: pd.Series, codes: _Codes) -> None:
        if not (self._same or self._nearly):
            return
        if not self._many:
            self._count(column, codes.codes)
        if self._many and self._nearly:
            values = column.to_numpy(dtype=np.float64, na_value=np.nan)
            self._mistakes += fewest_mistakes(values, codes.codes)
            self._nearly = self._mistakes.min() <= self._allowed

    def _count(self, column: pd.Series, codes: NDArray[np.intp]) -> None:
        here, distinct = pd.factorize(column)
        self._missing += int((here < 0).sum())
        for value in distinct:
            self._values.setdefault(value, len(self._values))
            if len(self._values) > 2 * self._target.classes:
                break
        if len(self._values) + bool(self._missing) > 2 * self._target.classes:
            self._let_go(column)
            return
        places = [self._values[value] for value in distinct]
        values = np.array([*places, -1], dtype=np.int64)[here]
        self._same = self._same and np.array_equal(values, codes)
        if self._nearly:
            self._pair((values + 1) * self._target.classes + codes)

    def _let_go(self, column: pd.Series) -> None:
        """There are more values than two for each class."""
        self._many, self._same = True, False
        self._values, self._pairs, self._often = {}, self._pairs[:0], self._often[:0]
        numbers = pd.api.types.is_numeric_dtype(column)
        self._nearly = self._nearly and self._target.classes == 2 and numbers

    def _pair(self, pairs: NDArray[np.int64]) -> None:
        """Count them, unless the most frequent class of each value is wrong too often already."""
        if len(pairs) and int(pairs.max()) < _DENSE:
            often = np.bincount(pairs)
            new = np.flatnonzero(often)
            often = often[new]
        else:
            new, often = np.unique(pairs, return_counts=True)
        if len(self._pairs):
            new, place = np.unique(np.concatenate([self._pairs, new]), return_inverse=True)
            both = np.concatenate([self._often, often])
            often = np.bincount(place, weights=both).astype(np.int64)
        self._pairs, self._often = new, often
        self._nearly = len(pairs) == 0 or self._wrong() <= self._allowed

    def _wrong(self) -> int:
        begins = np.flatnonzero(np.diff(self._pairs // self._target.classes, prepend=-1))
        return int(self._often.sum() - np.maximum.reduceat(self._often, begins).sum())

    def others(self, name: str, rows: Parted) -> Broken | None:
        if not self._nearly:
            return None
        limit: Limit | None = None
        if self._many:
            limit = limit_of(name, self._target_name, self._target.codes, rows)
            if limit is None or limit.mistakes > self._allowed:
                return None
        said = np.full(len(self._values) + 1, -1, dtype=np.intp)
        for pair in np.lexsort((-self._pairs, self._often)):  # the most frequent class comes last
            value, code = divmod(int(self._pairs[pair]), self._target.classes)
            said[value - 1] = code
        broken = Broken()
        for part in rows.parts([name, self._target_name]):
            column = part.frame[name]
            codes = self._target.codes(part.frame[self._target_name])
            if limit is not None:
                wrong = limit.wrong(column, codes)
            else:
                here, distinct = pd.factorize(column)
                places = np.array([self._values[value] for value in distinct] + [-1], dtype=np.intp)
                wrong = said[places[here]] != codes
            broken.add(part.start, wrong)
        return broken
