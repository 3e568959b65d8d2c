"""Where errors become others, on sequences that were made to change there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from activities.modelling.labels.concept import concept_drift
from activities.modelling.labels.errors import Errors, in_order, to_keep
from perennial.contracts.concept import ConceptDrift, WindowErrors
from perennial.contracts.drift import Band

START = datetime(2024, 5, 1, tzinfo=UTC)
LIMITS = Band(warn=0.1, alert=0.25)


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
    found = concept_drift(in_order(errors, minutes(len(errors))))
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
    [change] = concept_drift(in_order(off, minutes(len(off)))).changes
    assert abs((change.at - START) / timedelta(minutes=1) - 3000) < 300
    assert change.after > 1.5 * np.median(off[:3000]) and change.rows > 2500


def test_rows_are_taken_in_the_order_of_their_times() -> None:
    rng = np.random.default_rng(2)
    errors, at = wrong(rng, (3000, 0.1), (3000, 0.4)), minutes(6000)
    mixed = rng.permutation(6000)
    found = concept_drift(in_order(errors[mixed], at.iloc[mixed].reset_index(drop=True)))
    assert found == concept_drift(in_order(errors, at)) and len(found.changes) == 1


@pytest.mark.parametrize(
    ("errors", "rows"),
    [([], 0), ([1.0], 1), ([0.0] * 500, 500), ([2.5] * 500, 500), ([np.nan, np.inf, 1.0], 1)],
    ids=["none", "one", "never", "always", "unknown"],
)
def test_little_to_go_by(errors: list[float], rows: int) -> None:
    at = pd.Series(
        pd.date_range(START, periods=len(errors), freq="min"), dtype="datetime64[us, UTC]"
    )
    found = concept_drift(in_order(np.array(errors), at))
    assert (found.rows, found.changes, found.worse) == (rows, (), 0.0)
    assert "of one kind" in found.reason


def test_errors_of_one_kind_are_hardly_ever_said_to_change() -> None:
    rng = np.random.default_rng(4)
    found = [
        bool(concept_drift(in_order(wrong(rng, (2000, share)), minutes(2000))).changes)
        for share in (0.02, 0.2, 0.5)
        for _ in range(30)
    ]
    assert sum(found) <= 1


def windows(rng: np.random.Generator, rows: int, shares: list[float]) -> list[Errors]:
    """Windows of so many rows, a minute each, one after another."""
    at = minutes(rows * len(shares))
    parts = [at.iloc[n * rows : (n + 1) * rows] for n in range(len(shares))]
    return [
        in_order(wrong(rng, (rows, share)), part) for share, part in zip(shares, parts, strict=True)
    ]


def last(found: list[Errors]) -> ConceptDrift:
    """Of the last one, beside what is kept of those before it."""
    earlier = [kept for each in found[:-1] if (kept := to_keep(each)) is not None]
    return concept_drift(found[-1], earlier, LIMITS)


@pytest.mark.parametrize("rows", [60, 300, 5000])
def test_a_change_between_windows_is_found(rows: int) -> None:
    before, after = [0.1] * 20, [0.2] * 20
    found = last(windows(np.random.default_rng(rows), rows, before + after))
    [change] = found.changes
    off = abs((change.at - START) / timedelta(minutes=1) - 20 * rows)
    assert off <= max(200, rows / 5), f"found {off:g} rows off"
    assert (found.rows, found.windows, found.verdict) == (40 * rows, 40, "fail")
    assert found.worse == pytest.approx(0.1, abs=0.03) and found.excess > 2
    assert f"errors of {40 * rows:,} rows in 40 windows changed 1 times" in found.reason


def test_what_grows_too_slowly_for_any_window_is_found() -> None:
    """A fiftieth of a hundredth more in each: no window differs from its neighbours."""
    rng = np.random.default_rng(6)
    shares = np.linspace(0.1, 0.2, 50).tolist()
    found = windows(rng, 300, shares)
    assert not any(concept_drift(each).changes for each in found)
    assert last(found).verdict == "fail"
    assert last(found[:2]).verdict == "pass"


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        ([(4000, 0.2)], "pass"),
        ([(20_000, 0.2), (20_000, 0.235)], "inconclusive"),
        ([(4000, 0.2), (4000, 0.3)], "fail"),
        ([(4000, 0.3), (4000, 0.2)], "pass"),
        ([(4000, 0.2), (4000, 0.4), (4000, 0.2)], "pass"),
        ([(4000, 0.0), (4000, 0.1)], "fail"),
    ],
    ids=str,
)
def test_errors_that_grow_are_judged_by_how_much(
    parts: list[tuple[int, float]], verdict: str
) -> None:
    errors = wrong(np.random.default_rng(7), *parts)
    found = in_order(errors, minutes(len(errors)))
    assert concept_drift(found, limits=LIMITS).verdict == verdict
    assert concept_drift(found).verdict == "no_data", "nobody has said how much they may"


def test_windows_of_other_sizes_are_weighed_by_their_rows() -> None:
    """A hundred rows that are mostly wrong do not outweigh ten thousand that are not."""
    rng = np.random.default_rng(8)
    [large] = windows(rng, 10_000, [0.1])
    [small] = windows(rng, 100, [0.9])
    few = last([large, small, large])
    assert (few.rows, few.windows) == (20_100, 3)
    assert few.verdict == "pass" and few.changes == ()


def test_what_is_kept_of_a_window_is_small_and_says_the_same() -> None:
    [errors] = windows(np.random.default_rng(9), 100_001, [0.1])
    kept = to_keep(errors)
    assert kept is not None and kept.rows == 100_001 and len(kept.means) == 128
    assert np.average(kept.means[:-1]) == pytest.approx(errors.means.mean(), rel=0.01)
    assert len(kept.model_dump_json()) < 3000
    assert WindowErrors.model_validate_json(kept.model_dump_json()) == kept
    nothing = to_keep(in_order(np.array([np.nan]), minutes(1)))
    assert nothing is None
    with pytest.raises(ValueError, match="3 rows are not 2 parts of 1"):
        WindowErrors(start=START, rows=3, each=1, seconds=(0, 1), means=(0.0, 1.0))


def test_windows_of_errors_of_one_kind_hardly_ever_change() -> None:
    rng = np.random.default_rng(10)
    found = [
        last(windows(rng, 300, [share] * 40)).changes for share in (0.05, 0.3) for _ in "12345"
    ]
    assert sum(map(bool, found)) <= 1
