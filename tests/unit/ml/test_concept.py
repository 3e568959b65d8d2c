"""Where errors become others, on sequences that were made to change there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from activities.modelling.labels.concept import concept_drift

START = datetime(2024, 5, 1, tzinfo=UTC)


def minutes(rows: int) -> pd.Series:
    return pd.Series(pd.date_range(START, periods=rows, freq="min"))


def wrong(rng: np.random.Generator, *parts: tuple[int, float]) -> np.ndarray:
    """1 for a wrong answer: so many rows with such a share of them, one part after another."""
    return np.concatenate([rng.random(rows) < share for rows, share in parts]).astype(float)


@pytest.mark.parametrize(
    ("parts", "changes"),
    [
        ([(5000, 0.1)], []),
        ([(20_000, 0.5)], []),
        ([(3000, 0.1), (3000, 0.3)], [3000]),
        ([(3000, 0.3), (3000, 0.1)], [3000]),
        ([(2000, 0.1), (3000, 0.4), (3000, 0.1)], [2000, 5000]),
        ([(2000, 0.0), (400, 1.0)], [2000]),
        ([(60_000, 0.1), (40_000, 0.15)], [60_000]),
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", range(3))
def test_a_share_of_wrong_answers_that_changes(
    seed: int, parts: list[tuple[int, float]], changes: list[int]
) -> None:
    errors = wrong(np.random.default_rng(seed), *parts)
    found = concept_drift(errors, minutes(len(errors)))
    assert found.rows == len(errors)
    assert len(found.changes) == len(changes), found.reason
    for change, place in zip(found.changes, changes, strict=True):
        off = abs((change.at - START) / timedelta(minutes=1) - place)
        assert off <= max(150, len(errors) / 50), f"found {off:g} rows off"
    if changes:
        assert found.worse == pytest.approx(parts[-1][1] - parts[0][1], abs=0.03)
        assert f"changed {len(changes)} times" in found.reason


def test_numbers_that_are_off_by_more() -> None:
    rng = np.random.default_rng(1)
    off = np.abs(np.concatenate([rng.normal(0, 5, 3000), rng.normal(0, 9, 3000)]))
    off[17] = 1e6  # one that is beyond all others hides nothing
    [change] = concept_drift(off, minutes(len(off))).changes
    assert abs((change.at - START) / timedelta(minutes=1) - 3000) < 300
    assert change.after > 1.5 * np.median(off[:3000]) and change.rows > 2500


def test_rows_are_taken_in_the_order_of_their_times() -> None:
    rng = np.random.default_rng(2)
    errors, at = wrong(rng, (3000, 0.1), (3000, 0.4)), minutes(6000)
    mixed = rng.permutation(6000)
    found = concept_drift(errors[mixed], at.iloc[mixed].reset_index(drop=True))
    assert found == concept_drift(errors, at) and len(found.changes) == 1


@pytest.mark.parametrize(
    ("errors", "rows"),
    [([], 0), ([1.0], 1), ([0.0] * 500, 500), ([2.5] * 500, 500), ([np.nan, np.inf, 1.0], 1)],
    ids=["none", "one", "never", "always", "unknown"],
)
def test_little_to_go_by(errors: list[float], rows: int) -> None:
    at = pd.Series(
        pd.date_range(START, periods=len(errors), freq="min"), dtype="datetime64[us, UTC]"
    )
    found = concept_drift(np.array(errors), at)
    assert (found.rows, found.changes, found.worse) == (rows, (), 0.0)
    assert "of one kind" in found.reason


def test_errors_of_one_kind_are_hardly_ever_said_to_change() -> None:
    rng = np.random.default_rng(4)
    found = [
        bool(concept_drift(wrong(rng, (2000, share)), minutes(2000)).changes)
        for share in (0.02, 0.2, 0.5)
        for _ in range(30)
    ]
    assert sum(found) <= 1
