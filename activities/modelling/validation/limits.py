"""One limit between two classes in a column of numbers, and how often it is wrong."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from activities.modelling.data.ordering import no_room, ordered
from activities.modelling.data.parted import Parted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    CodesOf = Callable[[pd.Series], NDArray[np.intp]]


@dataclass(frozen=True)
class Limit:
    """Values up to here are said to be of one class, those above of the other.

    Attributes:
        value: the limit.
        above: the class above it, 0 or 1.
        mistakes: rows of which that is wrong, or that have no value.
    """

    value: float
    above: int
    mistakes: int

    def wrong(self, column: pd.Series, codes: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Which rows these are `[rows]`.

        Args:
            column: numbers.
            codes: the class of each row.
        """
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        said = np.where(values > self.value, self.above, 1 - self.above)
        found: NDArray[np.bool_] = (said != codes) | np.isnan(values)
        return found


def fewest_mistakes(values: NDArray[np.float64], codes: NDArray[np.intp]) -> NDArray[np.int64]:
    """Mistakes that any limit makes in these rows at least, with class 1 above it and below it.

    A limit of all rows makes no fewer in any part of them, so that the sum over parts is a bound.

    Args:
        values: numbers `[rows]`; a missing one is a mistake.
        codes: 0 or 1.
    """
    known = ~np.isnan(values)
    order = np.argsort(values[known], kind="stable")
    ascending, of_one = values[known][order], codes[known][order] == 1
    surplus = np.concatenate([[0], np.cumsum(np.where(of_one, 1, -1))])
    ends = np.concatenate([[True], ascending[1:] != ascending[:-1], [True]])
    if not len(ascending):
        return np.full(2, len(values), dtype=np.int64)
    ones = int(of_one.sum())
    zeros = len(ascending) - ones
    missing = len(values) - len(ascending)
    least, most = int(surplus[ends].min()), int(surplus[ends].max())
    return np.array([zeros + least, ones - most], dtype=np.int64) + missing


def limit_of(name: str, target: str, codes_of: CodesOf, rows: Parted) -> Limit | None:
    """The limit that is wrong least often; None where no row has a number.

    Args:
        name: a column of numbers.
        target: the column of the classes, of which there are two.
        codes_of: tells them.
        rows: all rows, which are ordered on disk where they do not fit in memory.

    Raises:
        Unavailable: there is no room to order them.
    """
    count, missing = [0, 0], 0

    def known() -> Iterator[pa.Table]:
        nonlocal missing
        for part in rows.parts([name, target]):
            values = part.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)
            there = ~np.isnan(values)
            codes = codes_of(part.frame[target])[there].astype(np.int8)
            missing += int((~there).sum())
            for code in (0, 1):
                count[code] += int((codes == code).sum())
            yield pa.table({"value": values[there], "code": codes})

    least: tuple[int, float] | None = None
    most: tuple[int, float] | None = None
    surplus, pending = 0, list[tuple[float, int]]()

    def ended(value: float, at: int) -> None:
        """`value` is a limit: so many more rows of class 1 than of class 0 are up to it."""
        nonlocal least, most
        if least is None or at < least[0]:
            least = at, value
        if most is None or at > most[0]:
            most = at, value

    with (
        tempfile.TemporaryDirectory(prefix="perennial-limit-") as folder,
        no_room("the rows of a column could not be ordered", folder),
    ):
        for table in ordered(known(), "value", Path(folder)):
            if not len(table):
                continue
            values, codes = table["value"].to_numpy(), table["code"].to_numpy()
            sums = surplus + np.cumsum(np.where(codes == 1, 1, -1))
            if pending and values[0] != pending[0][0]:
                ended(*pending[0])
            ends = np.flatnonzero(values[1:] != values[:-1])
            if len(ends):
                for place in (ends[sums[ends].argmin()], ends[sums[ends].argmax()]):
                    ended(float(values[place]), int(sums[place]))
            surplus, pending = int(sums[-1]), [(float(values[-1]), int(sums[-1]))]
    if pending:
        ended(*pending[0])
    if least is None or most is None:
        return None
    low, high = count[0] + least[0], count[1] - most[0]
    if low <= high:
        return Limit(least[1], 1, low + missing)
    return Limit(most[1], 0, high + missing)
