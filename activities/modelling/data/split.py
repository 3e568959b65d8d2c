"""Which rows are held out. The same snapshot, plan and seed give the same rows everywhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.data.moments import moment_at, moments_of
from activities.modelling.data.parted import InMemory, Part, Parted
from activities.modelling.values import as_text
from perennial.authoring import Features
from perennial.contracts.errors import SourceInvalid, SpecInvalid
from perennial.contracts.spec import Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    HeldOut = Callable[[Part], NDArray[np.bool_]]

_HASHES = 2.0**64


@dataclass(frozen=True)
class Rows:
    """Positions of rows in a frame, ascending."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


def split_rows(frame: pd.DataFrame, features: Features, plan: Split, seed: int) -> Rows:
    """Hold rows out, as `held_out` says.

    Raises:
        SpecInvalid: a split by time, and the project names no time.
        SourceInvalid: one side is empty.
    """
    chosen = held_out(InMemory(frame), features, plan, seed)(Part(0, frame))
    rows = Rows(train=np.flatnonzero(~chosen), test=np.flatnonzero(chosen))
    both_sides(len(rows.train), len(rows.test), plan)
    return rows


def both_sides(train: int, test: int, plan: Split) -> None:
    """Raise SourceInvalid where one side of a split has no rows."""
    if not train or not test:
        raise SourceInvalid(
            f"the split by {plan.by} leaves {train} rows to train on and "
            f"{test} to test on, of {train + test}; bring more rows, or change "
            f"training.split.test_fraction ({plan.test_fraction})"
        )


def held_out(rows: Parted, features: Features, plan: Split, seed: int) -> HeldOut:
    """What tells of a part of the rows, which are held out `[rows of the part]`.

    By time: the last rows, cut between two moments, never within one. Random with a key: a row's
    side follows from its key and the seed alone, so that no later snapshot tests a champion on
    rows it learnt from. Random without a key: a shuffle of the positions, which are all in memory
    for that, 8 bytes each.

    Raises:
        SpecInvalid: a split by time, and the project names no time.
    """
    if plan.by == "time":
        return _by_time(rows, features, plan.test_fraction)
    key = features.key
    if key is not None:
        return lambda part: _by_key(part.frame[key], plan.test_fraction, seed)
    chosen = np.zeros(rows.count, dtype=bool)
    count = round(rows.count * plan.test_fraction)
    # the old generator: its stream is promised to stay as it is
    chosen[np.random.RandomState(seed % 2**32).permutation(rows.count)[:count]] = True
    return lambda part: chosen[part.start : part.start + len(part.frame)]


def _by_time(rows: Parted, features: Features, fraction: float) -> HeldOut:
    time = features.time
    if time is None:
        raise SpecInvalid(
            "training.split.by is time, but the project's features() names no time column; "
            "name it there (time=...), or split by random"
        )
    first = moment_at(rows, time, min(round(rows.count * (1 - fraction)), rows.count - 1))
    if first is None:  # so many times are missing
        return lambda part: np.zeros(len(part.frame), dtype=bool)
    return lambda part: moments_of(part.frame[time]) >= first


def _by_key(keys: pd.Series, fraction: float, seed: int) -> NDArray[np.bool_]:
    hashes = pd.util.hash_array(as_text(keys), hash_key=f"{seed:016d}"[-16:], categorize=False)
    chosen: NDArray[np.bool_] = hashes.astype(np.float64) / _HASHES < fraction
    return chosen
