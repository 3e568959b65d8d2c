"""How much worse a candidate answers when its inputs are not what they were in training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from perennial.authoring import Features
from perennial.contracts.examined import Robustness, Strain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Score = Callable[[pd.DataFrame], NDArray[np.float64]]
    Primary = Callable[[NDArray[np.intp], NDArray[np.float64]], float]

_NOISE = 0.1  # of a column's deviation
_TOUCHED = 0.1  # of the values of each column
_FAR = 10.0  # deviations beyond the mean
_UNSEEN = "never seen before"


class Strained(NamedTuple):
    """What was found: the worst of each kind, and every column that was shuffled."""

    robustness: Robustness
    shuffled: dict[str, float]


def strain(
    frame: pd.DataFrame,
    features: Features,
    score: Score,
    primary: Primary,
    *,
    goal: str,
    rows: int,
    seed: int,
) -> Strained | None:
    """Disturb rows in four ways and measure the primary metric again.

    noise: normal noise of a tenth of each number's deviation. missing: a tenth of the values of
    each column taken away. out_of_range: a tenth of the numbers ten deviations off, and of the
    categories never seen. shuffle: one column, or one vector, permuted among the rows.

    Source of shuffling: Breiman, "Random forests", 2001, section 10 (permutation importance).

    Args:
        frame: held-out rows.
        features: their columns.
        score: answers to raw rows.
        primary: the metric of the rows at these positions, and of answers to them.
        goal: maximize or minimize.
        rows: to disturb at most; of more, every so-many-th.
        seed: of the disturbances.

    Returns:
        None where the metric means nothing on these rows.
    """
    places = np.arange(0, len(frame), -(-len(frame) // rows))
    some = frame.iloc[places][list(features.inputs)].reset_index(drop=True)
    undisturbed = primary(places, score(some))
    if not np.isfinite(undisturbed):
        return None
    worse = 1.0 if goal == "minimize" else -1.0
    strains: dict[str, Strain] = {}
    shuffled: dict[str, float] = {}
    for name, column, disturbed in _disturbed(some, features, np.random.default_rng(seed)):
        value = primary(places, score(disturbed))
        if not np.isfinite(value):
            continue
        drop = worse * (value - undisturbed)
        if name == "shuffle":
            shuffled[column] = drop
        if name not in strains or drop > strains[name].drop:
            strains[name] = Strain(value=value, drop=drop, column=column)
    return Strained(Robustness(rows=len(some), undisturbed=undisturbed, strains=strains), shuffled)


def _disturbed(
    frame: pd.DataFrame, features: Features, random: np.random.Generator
) -> Iterator[tuple[str, str, pd.DataFrame]]:
    names, rows = list(features.numbers), len(frame)
    numbers = frame[names].to_numpy(dtype=np.float64, na_value=np.nan)
    known = np.isfinite(numbers)
    mean = np.where(known, numbers, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    off = np.where(known, numbers - mean, 0)
    deviation = np.sqrt((off**2).sum(axis=0) / np.maximum(known.sum(axis=0), 1))
    # the values that are taken away are those that are far off, too
    lost = {name: random.random(rows) < _TOUCHED for name in features.categorical}
    touched = random.random(numbers.shape) < _TOUCHED

    def made(values: NDArray[np.float64], category: str | None = "") -> pd.DataFrame:
        columns = dict(zip(names, values.T, strict=True))
        for name, mine in lost.items():
            column = frame[name]
            if category != "":
                column = column.astype(object).where(~mine, category)
            columns[name] = column
        return pd.DataFrame(columns)

    yield "noise", "", made(numbers + random.normal(size=numbers.shape) * _NOISE * deviation)
    yield "missing", "", made(np.where(touched, np.nan, numbers), None)
    sign = np.where(random.random(numbers.shape) < 0.5, -1.0, 1.0)
    yield (
        "out_of_range",
        "",
        made(np.where(touched, mean + sign * _FAR * deviation, numbers), _UNSEEN),
    )
    parts = {name: [name] for name in (*features.numeric, *features.categorical)}
    for name, columns in {**parts, **features.vectors}.items():
        order = random.permutation(rows)
        permuted = {each: frame[each].to_numpy()[order] for each in columns}
        yield "shuffle", name, frame.assign(**permuted)
