"""Which rows are held out. The same snapshot, plan and seed give the same rows everywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.values import as_text
from perennial.authoring import Features
from perennial.contracts.errors import SourceInvalid, SpecInvalid
from perennial.contracts.spec import Split

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HASHES = 2.0**64


@dataclass(frozen=True)
class Rows:
    """Positions of rows in a frame, ascending."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]


def split_rows(frame: pd.DataFrame, features: Features, plan: Split, seed: int) -> Rows:
    """Hold rows out.

    By time: the last rows, cut between two moments, never within one. Random with a key: a row's
    side follows from its key and the seed alone, so that no later snapshot tests a champion on
    rows it learnt from. Random without a key: a shuffle of the positions.

    Raises:
        SpecInvalid: a split by time, and the project names no time.
        SourceInvalid: one side is empty.
    """
    if plan.by == "time":
        held_out = _by_time(frame, features, plan.test_fraction)
    elif features.key is not None:
        held_out = _by_key(frame[features.key], plan.test_fraction, seed)
    else:
        held_out = np.zeros(len(frame), dtype=bool)
        count = round(len(frame) * plan.test_fraction)
        # the old generator: its stream is promised to stay as it is
        held_out[np.random.RandomState(seed % 2**32).permutation(len(frame))[:count]] = True
    rows = Rows(train=np.flatnonzero(~held_out), test=np.flatnonzero(held_out))
    if not len(rows.train) or not len(rows.test):
        raise SourceInvalid(
            f"the split by {plan.by} leaves {len(rows.train)} rows to train on and "
            f"{len(rows.test)} to test on, of {len(frame)}; bring more rows, or change "
            f"training.split.test_fraction ({plan.test_fraction})"
        )
    return rows


def _by_time(frame: pd.DataFrame, features: Features, fraction: float) -> NDArray[np.bool_]:
    if features.time is None:
        raise SpecInvalid(
            "training.split.by is time, but the project's features() names no time column; "
            "name it there (time=...), or split by random"
        )
    moments = frame[features.time]
    ordered = moments.sort_values(kind="stable")
    first_held_out = ordered.iloc[min(round(len(frame) * (1 - fraction)), len(frame) - 1)]
    late: NDArray[np.bool_] = (moments >= first_held_out).to_numpy()
    return late


def _by_key(keys: pd.Series, fraction: float, seed: int) -> NDArray[np.bool_]:
    hashes = pd.util.hash_array(as_text(keys), hash_key=f"{seed:016d}"[-16:], categorize=False)
    chosen: NDArray[np.bool_] = hashes.astype(np.float64) / _HASHES < fraction
    return chosen
