"""Whether a column of numbers is the target of a regression, times something plus something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.data.parted import Parted
from activities.modelling.validation.violations import Broken

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LINE = 0.99999


class OnALine:
    """A column beside the target.

    Its moments are those of all rows, from those of their parts.

    Source: Chan, Golub and LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing
    Sample Variances", Stanford STAN-CS-79-773 (1979).
    """

    def __init__(self, rows: int, may_be_off: float | None) -> None:
        """Begin with no row.

        Args:
            rows: how many there are going to be.
            may_be_off: the share of them of which a column that nearly is the target may not tell
                it; None where only one that tells all of it is looked for.
        """
        self._rows, self._may_be_off = rows, may_be_off
        self._unknown = Broken()
        self._same = True
        self._numbers = may_be_off is not None
        self._count = 0
        self._means: NDArray[np.float64] = np.zeros(2)
        self._squares: NDArray[np.float64] = np.zeros((2, 2))
        self._low, self._high = np.full(2, np.inf), np.full(2, -np.inf)

    @property
    def is_the_target(self) -> bool:
        """Whether it is so in every row so far."""
        return self._same

    def add(self, start: int, column: pd.Series, target: pd.Series, codes: object) -> None:
        """Take some rows.

        Args:
            start: how many are before them.
            column: their values.
            target: theirs.
            codes: classes, which a regression has not.
        """
        self._same = self._same and bool((column == target).all())
        self._numbers = self._numbers and all(
            pd.api.types.is_numeric_dtype(each) for each in (column, target)
        )
        if not self._numbers:
            return
        both = np.stack(
            [each.to_numpy(dtype=np.float64, na_value=np.nan) for each in (column, target)]
        )
        known = np.isfinite(both).all(axis=0)
        self._unknown.add(start, ~known)
        if known.any():
            self._more(both[:, known])

    def _more(self, values: NDArray[np.float64]) -> None:
        count = values.shape[1]
        self._low = np.minimum(self._low, values.min(axis=1))
        self._high = np.maximum(self._high, values.max(axis=1))
        with np.errstate(over="ignore", invalid="ignore"):
            means = values.mean(axis=1)
            apart = values - means[:, None]
            off, every = means - self._means, self._count + count
            between = np.outer(off, off) * (self._count * count / every)
            self._squares = self._squares + apart @ apart.T + between
            self._means = self._means + off * (count / every)
        self._count = every

    def others(self, name: str, rows: Parted) -> Broken | None:
        """Rows of which a column that nearly is the target does not tell it; None where it is
        not nearly.

        Args:
            name: of the column.
            rows: all of them.
        """
        if not self._numbers or self._may_be_off is None:
            return None
        known = self._count / self._rows
        if known < 1 - self._may_be_off or not (self._high > self._low).all():
            return None
        (one, across), (_, other) = self._squares
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            straight = abs(across / np.sqrt(one) / np.sqrt(other)) >= _LINE
        return self._unknown if straight else None
