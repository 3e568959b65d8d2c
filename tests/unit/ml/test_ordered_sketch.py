"""Sketches of numbers leave nothing to chance, and are what the library itself would read."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import whylogs_sketching as ds
from hypothesis import given
from hypothesis import strategies as some

from activities.modelling.data.distributions import Counted, just_below, notes
from activities.modelling.data.ordered_sketch import Ordered
from activities.modelling.data.profiles import profile_frame, profile_parts
from activities.modelling.data.sketches import read_merged, read_sketches
from activities.modelling.monitoring.drift import measure

COUNTS = [0, 1, 2, 63, 64, 65, 127, 128, 129, 1000, 4095, 10_001]


def of(numbers: np.ndarray, size: int = 64, parts: int = 1) -> ds.kll_doubles_sketch:
    ordered = Ordered(size)
    for part in np.array_split(numbers, parts):
        ordered.update(part)
    assert ordered.get_n() == len(numbers)
    return ordered.sketch()


@pytest.mark.parametrize("count", COUNTS)
def test_the_library_reads_what_was_kept(count: int) -> None:
    numbers = np.random.default_rng(count).permutation(count).astype(np.float64)
    sketch = of(numbers)
    again = ds.kll_doubles_sketch.deserialize(sketch.serialize())
    assert again.get_n() == count and again.is_empty() == (count == 0)
    if not count:
        return
    assert (again.get_min_value(), again.get_max_value()) == (0, count - 1)
    assert again.get_num_retained() <= 64 + 8
    points = np.arange(count + 1) - 0.5
    below = np.array(again.get_cdf(points.tolist())[:-1]) * count
    stretch = 1 << max(0, (count // 64).bit_length() - (count % 64 == 0 and count.bit_count() == 1))
    assert np.abs(below - np.arange(count + 1)).max() <= (stretch / 2 if count > 64 else 0) + 1e-9


@pytest.mark.parametrize("count", COUNTS)
def test_the_same_numbers_make_the_same_sketch(count: int) -> None:
    dice = np.random.default_rng(count)
    numbers = dice.normal(size=count)
    assert len({of(dice.permutation(numbers)).serialize() for _ in range(5)}) == 1


@given(
    numbers=some.lists(some.floats(), max_size=400),
    size=some.sampled_from([8, 16, 100]),
    parts=some.integers(1, 5),
)
def test_parts_and_what_is_no_number(numbers: list[float], size: int, parts: int) -> None:
    ordered, known = Ordered(size), sorted(each for each in numbers if each == each)
    for part in np.array_split(np.array(numbers, dtype=np.float64), parts):
        ordered.update_list(part.tolist())
    sketch = ordered.sketch()
    assert sketch.get_n() == ordered.get_n() == len(known)
    if known:
        assert (sketch.get_min_value(), sketch.get_max_value()) == (known[0], known[-1])
        finite = [point for point in sorted(set(known)) if np.isfinite(point)]
        worst = parts * (1 << max(0, (len(known) // size).bit_length()))
        if finite:
            below = np.array(sketch.get_cdf(finite)[:-1]) * len(known)
            assert np.abs(below - np.searchsorted(known, finite)).max() <= worst + 1e-6
    if len(known) <= size:
        quantiles = sketch.get_quantiles([0.0, 1.0]) if known else []
        assert list(quantiles) == ([known[0], known[-1]] if known else [])


@pytest.mark.parametrize("count", [1, 2, 64, 65, 5000])
def test_sketches_of_the_library_are_merged_too(count: int) -> None:
    numbers, theirs = np.arange(float(count)), ds.kll_doubles_sketch(64)
    theirs.update(array=numbers)
    merged = Ordered(64)
    merged.merge(theirs)
    merged.merge(of(numbers + count))
    merged.merge(ds.kll_doubles_sketch(64))
    both = merged.sketch()
    assert both.get_n() == 2 * count
    assert (both.get_min_value(), both.get_max_value()) == (0, 2 * count - 1)
    assert both.get_rank(count) == pytest.approx(0.5, abs=0.05)


def test_the_library_goes_on_with_it() -> None:
    sketch, other = of(np.arange(5000.0)), of(np.arange(5000.0, 10_000.0))
    sketch.merge(other)
    sketch.update(array=np.arange(10_000.0, 15_000.0))
    assert sketch.get_n() == 15_000 and sketch.get_max_value() == 14_999
    assert sketch.get_rank(7500) == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize("parts", [1, 7, 40])
def test_deciles_are_between_what_is_held_or_a_value_that_is_there_often(parts: int) -> None:
    dice = np.random.default_rng(8)
    for numbers, off in ((dice.normal(size=50_000), 0.002), (dice.poisson(3, 50_000) * 1.0, 0)):
        held = Ordered(4096)
        for part in np.array_split(numbers, parts):
            held.update(part)
        exact = np.quantile(numbers, np.arange(1, 10) / 10)
        assert held.estimated().deciles() == pytest.approx(exact, rel=0, abs=off)
    endless = Ordered(64)
    endless.update([-np.inf, -np.inf, 1, np.inf, np.inf])
    assert set(endless.estimated().deciles()) == {-np.inf, 1, np.inf}


def test_what_was_noted_goes_before_what_is_left() -> None:
    numbers = np.random.default_rng(9).normal(size=50_000).astype("float32").astype("float64")
    held = Ordered(64)
    held.update(numbers)
    exact = np.quantile(numbers, np.arange(1, 10) / 10)
    noted = notes(Counted(np.sort(numbers)), len(numbers))
    cuts = just_below(exact)
    below = np.array([np.mean(numbers < cut) for cut in cuts])
    assert held.estimated(noted).below(cuts) == pytest.approx(below, rel=1e-12)
    assert held.estimated(noted).deciles() == pytest.approx(exact, rel=1e-12)
    of_old = held.estimated(noted[:9])  # a profile that holds deciles, and no counts
    assert of_old.deciles() == pytest.approx(exact, rel=1e-12)
    assert of_old.below(cuts) == pytest.approx(below, abs=1 / 64)
    assert np.abs(of_old.below(cuts) - below).max() > 1e-4
    assert notes(Counted(np.array([-np.inf, np.inf])), 2) == [], "JSON has no endless number"


def rows(count: int = 20_000) -> pd.DataFrame:
    dice = np.random.default_rng(4)
    return pd.DataFrame(
        {
            "amount": dice.lognormal(size=count),
            "often": dice.integers(0, 50_000, count),
            "gaps": np.where(dice.random(count) < 0.2, np.nan, dice.normal(size=count)),
            "kind": dice.choice(["a", "b", "c"], count),
        }
    )


def test_the_same_rows_have_the_same_profile() -> None:
    at, frame = datetime(2026, 1, 5, tzinfo=UTC), rows()
    assert profile_frame(frame, at) == profile_frame(frame.copy(), at)
    shuffled = profile_frame(frame.sample(frac=1, random_state=2), at)
    assert measure(profile_frame(frame, at), shuffled).model_dump() == (
        measure(profile_frame(frame, at), profile_frame(frame, at)).model_dump()
    )
    # and a distance from another sample is the same figure each time
    others = profile_frame(rows(5000), at)
    found = {measure(profile_frame(frame, at), others).model_dump_json() for _ in range(3)}
    assert len(found) == 1


def test_profiles_of_parts_and_merged_ones_leave_nothing_to_chance() -> None:
    at, frame = datetime(2026, 1, 5, tzinfo=UTC), rows(60_000)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    parts = [table.slice(start, 9000) for start in range(0, len(frame), 9000)]
    one, two = (profile_parts(parts, {"gaps"}, at)[0] for _ in range(2))
    assert one == two
    windows = [profile_frame(part.to_pandas(), at) for part in parts]
    merged = [read_merged(windows, set(frame)) for _ in range(2)]
    points = np.quantile(frame["amount"], np.arange(1, 10) / 10)
    numbers = [
        {name: each.numbers for name, each in sketches.items()}
        for sketches in (*merged, read_sketches(one))
    ]
    for of in numbers:
        np.testing.assert_allclose(of["amount"].below(points), np.arange(1, 10) / 10, atol=0.0005)
        assert of["amount"].high == frame["amount"].max()
    assert (
        merged[0]["gaps"].numbers.below(points) == merged[1]["gaps"].numbers.below(points)
    ).all()


def test_parts_without_end_take_no_more_memory() -> None:
    ordered = Ordered(1024)
    dice = np.random.default_rng(5)
    for _ in range(300):
        ordered.update(dice.random(2000))
        assert sum(len(values) for values, _ in ordered._parts) <= 17 * 1024
    sketch = ordered.sketch()
    assert sketch.get_n() == 600_000
    points = np.arange(1, 10) / 10
    np.testing.assert_allclose(sketch.get_cdf(points.tolist())[:-1], points, atol=0.005)
