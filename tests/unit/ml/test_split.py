"""Held-out rows are the same rows everywhere, and never ones a champion learnt from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.modelling.data.split import split_rows
from perennial.authoring import Features
from perennial.contracts.errors import SourceInvalid, SpecInvalid
from perennial.contracts.spec import Split

KEYED = Features(target="y", numeric=["x"], key="id")
TIMED = Features(target="y", numeric=["x"], time="at")
BARE = Features(target="y", numeric=["x"])
RANDOM = Split(by="random", test_fraction=0.25)
BY_TIME = Split(by="time", test_fraction=0.25)


def rows(count: int) -> pd.DataFrame:
    hours = pd.to_timedelta(np.arange(count) // 3, unit="h")
    at = pd.Timestamp("2024-01-01", tz="UTC") + hours
    return pd.DataFrame({"id": [f"k{n}" for n in range(count)], "x": 1.0, "y": 0, "at": at})


@given(count=st.integers(50, 300), seed=st.integers(0, 2**40), plan=st.sampled_from([0, 1, 2]))
def test_every_row_is_on_one_side_always_the_same(count: int, seed: int, plan: int) -> None:
    features, split = [(KEYED, RANDOM), (TIMED, BY_TIME), (BARE, RANDOM)][plan]
    frame = rows(count)
    first = split_rows(frame, features, split, seed)
    again = split_rows(frame.copy(), features, split, seed)
    assert first.train.tolist() == again.train.tolist()
    assert sorted([*first.train, *first.test]) == list(range(count))


def test_a_keyed_row_stays_on_its_side_in_a_later_snapshot() -> None:
    old, new = rows(400), rows(800).sample(frac=1, random_state=5)
    before = set(old["id"].iloc[split_rows(old, KEYED, RANDOM, 3).train])
    later = set(new["id"].iloc[split_rows(new, KEYED, RANDOM, 3).test])
    assert not before & later
    assert 0.18 < len(later) / 800 < 0.32


def test_another_seed_is_another_split() -> None:
    frame = rows(400)
    for features in (KEYED, BARE):
        one, two = (split_rows(frame, features, RANDOM, seed).test.tolist() for seed in (1, 2))
        assert one != two


def test_a_split_by_time_never_cuts_a_moment() -> None:
    frame = rows(100).sample(frac=1, random_state=1).reset_index(drop=True)
    split = split_rows(frame, TIMED, BY_TIME, 0)
    assert frame["at"].iloc[split.train].max() < frame["at"].iloc[split.test].min()


def test_a_split_by_time_needs_a_time() -> None:
    with pytest.raises(SpecInvalid, match="names no time column"):
        split_rows(rows(10), KEYED, BY_TIME, 0)


def test_an_empty_side_is_refused() -> None:
    at_once = rows(9).assign(at=pd.Timestamp("2024-01-01", tz="UTC"))
    with pytest.raises(SourceInvalid, match="leaves 0 rows to train on and 9 to test on, of 9"):
        split_rows(at_once, TIMED, BY_TIME, 0)
