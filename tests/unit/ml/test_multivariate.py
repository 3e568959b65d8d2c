"""Rows of two sides that a classifier can tell apart, or cannot."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from activities.modelling.monitoring.multivariate import tell_apart
from perennial.contracts.beside_rows import Multivariate

NAMES = ["x", "y", "price", "town", "flag"]


def drawn(rows: int, seed: int) -> pd.DataFrame:
    """As a snapshot has it: float64, whole numbers and truth values."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": rng.normal(size=rows),
            "y": rng.normal(size=rows),
            "price": rng.choice([0.1, 0.3, 39.02], rows),
            "town": rng.integers(0, 300, rows),
            "flag": rng.random(rows) < 0.3,
        }
    ).mask(rng.random((rows, 5)) < 0.02)


def asked(frame: pd.DataFrame) -> pd.DataFrame:
    """The same as the log of requests has it: float32 and text."""
    numbers = frame[["x", "y", "price"]].astype("float64").astype("float32")
    town = frame["town"].map(lambda value: "" if pd.isna(value) else str(int(value)))
    flag = frame["flag"].map(lambda value: "" if pd.isna(value) else str(bool(value)).lower())
    return numbers.assign(town=town, flag=flag)


def told(change: Callable[[pd.DataFrame], pd.DataFrame], rows: int = 2000) -> Multivariate:
    window = change(asked(drawn(rows, seed=2)))
    return tell_apart(window, drawn(2000, seed=1), NAMES, 500, seed=7)


def together(frame: pd.DataFrame) -> pd.DataFrame:
    """Each column for itself is as it was."""
    return frame.assign(y=np.where(frame["x"] > 0, frame["y"].abs(), -frame["y"].abs()))


@pytest.mark.parametrize(
    ("change", "verdict", "columns"),
    [
        (lambda frame: frame, "pass", ()),
        (lambda frame: frame.iloc[:500], "pass", ()),
        (lambda frame: frame.assign(x=frame["x"] + 0.7), "inconclusive", ("x",)),
        (lambda frame: frame.assign(x=frame["x"] + 2), "fail", ("x",)),
        (lambda frame: frame.assign(x=1.5), "fail", ("x",)),
        (lambda frame: frame.assign(x=np.nan), "fail", ("x",)),
        (lambda frame: frame.assign(x=np.inf), "fail", ("x",)),
        (lambda frame: frame.assign(x=-np.inf, y=np.inf), "fail", ("x", "y")),
        (lambda frame: frame.assign(town="EWR"), "fail", ("town",)),
        (lambda frame: frame.assign(price="free"), "fail", ("price",)),
        (lambda frame: frame.drop(columns="x"), "pass", ()),
        (together, "inconclusive", ("x", "y")),
        (lambda frame: frame.iloc[:499], "no_data", ()),
        (lambda frame: frame.iloc[:0], "no_data", ()),
        (lambda frame: frame[[]], "no_data", ()),
    ],
)
def test_what_has_moved_is_named(
    change: Callable[[pd.DataFrame], pd.DataFrame], verdict: str, columns: tuple[str, ...]
) -> None:
    found = told(change)
    assert found.verdict == verdict, found.reason
    assert set(found.columns) <= set(columns) and (not columns or found.columns)


def test_the_same_seed_finds_the_same() -> None:
    assert told(together) == told(together)


def test_so_few_rows_differ_by_chance() -> None:
    """Of windows that have not changed none is said to have, however small they are."""
    for seed in range(6):
        window = asked(drawn(100, seed=seed + 50))
        found = tell_apart(window, drawn(100, seed=seed), NAMES, 100, seed=seed)
        assert found.verdict == "pass", found.reason
