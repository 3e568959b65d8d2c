"""Distances from two profiles are those of the rows themselves, within 1 %."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr
from scipy.stats import ks_2samp

from activities.modelling.data.profiles import profile_frame
from activities.modelling.data.sketches import ProfileCorrupt
from activities.modelling.monitoring.drift import measure
from perennial.analysis.judging import judge
from perennial.contracts.drift import ColumnDrift, DriftLimits

NOW = datetime(2024, 5, 1, tzinfo=UTC)
ROWS = (60_000, 30_000)
Draw = Callable[[np.random.Generator, int], Any]


def text(values: str, shares: list[float]) -> Draw:
    return lambda rng, rows: rng.choice(values.split(), p=shares, size=rows)


def with_holes(rng: np.random.Generator, rows: int, mean: float) -> Any:
    values = rng.normal(mean, 1, rows)
    values[rng.random(rows) < 0.1] = np.nan
    values[rng.random(rows) < 0.05] = np.inf
    values[rng.random(rows) < 0.02] = -np.inf
    return values


def rain(rng: np.random.Generator, rows: int, share: float) -> Any:
    """Mostly none, else hundredths of an inch."""
    return np.where(rng.random(rows) < share, np.round(rng.exponential(0.2, rows), 2), 0.0)


def tenths(rng: np.random.Generator, rows: int) -> Any:
    return rng.choice([0.1, 0.3, 0.7, 39.02], rows)


# name: reference, window
SHAPES: dict[str, tuple[Draw, Draw]] = {
    "same": (lambda r, n: r.normal(size=n), lambda r, n: r.normal(size=n)),
    "shift": (lambda r, n: r.normal(size=n), lambda r, n: r.normal(0.8, 1, n)),
    "scale": (lambda r, n: r.normal(size=n), lambda r, n: r.normal(0, 1.6, n)),
    "skew": (lambda r, n: r.exponential(size=n), lambda r, n: r.exponential(size=n) ** 2),
    "tail": (lambda r, n: r.standard_t(3, n), lambda r, n: 1.5 * r.standard_cauchy(n)),
    "apart": (lambda r, n: r.random(n), lambda r, n: 2 + r.random(n)),
    "constant": (lambda r, n: np.full(n, 5.0), lambda r, n: np.full(n, 5.0)),
    "other_constant": (lambda r, n: np.full(n, 5.0), lambda r, n: np.full(n, 6.0)),
    "one_value": (lambda r, n: r.normal(size=n), lambda r, n: np.zeros(n)),
    "few_whole": (lambda r, n: r.poisson(3, n), lambda r, n: r.poisson(4, n)),
    "many_whole": (lambda r, n: r.integers(0, 500, n), lambda r, n: r.integers(50, 600, n)),
    "flag": (lambda r, n: r.random(n) < 0.5, lambda r, n: r.random(n) < 0.8),
    "rain": (lambda r, n: rain(r, n, 0.2), lambda r, n: rain(r, n, 0.5).astype("float32")),
    "narrow": (tenths, lambda r, n: tenths(r, n).astype("float32")),
    "holes": (lambda r, n: with_holes(r, n, 0), lambda r, n: with_holes(r, n, 0.6)),
    "more_text": (text("a b c", [0.5, 0.3, 0.2]), text("a b c", [0.2, 0.3, 0.5])),
    "new_text": (text("a b", [0.6, 0.4]), text("a b c d", [0.5, 0.3, 0.15, 0.05])),
    "gone_text": (text("a b c", [0.5, 0.3, 0.2]), text("a b", [0.6, 0.4])),
    "towns": (
        lambda r, n: np.char.add("t", r.zipf(1.6, n).clip(max=300).astype(str)),
        lambda r, n: np.char.add("t", r.zipf(1.3, n).clip(max=300).astype(str)),
    ),
}
CONTINUOUS = ["same", "shift", "scale", "skew", "tail", "apart"]
NUMBERS = [name for name in SHAPES if not name.endswith("text") and name != "towns"]
TEXTS = [name for name in SHAPES if name not in NUMBERS]


def near(exact: float) -> Any:
    """Within 1 %; where hardly anything has moved, within a two-hundredth of what is an alert."""
    return pytest.approx(exact, rel=0.01, abs=0.00125)


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(11)
    reference, window = (
        pd.DataFrame({name: pair[side](rng, rows) for name, pair in SHAPES.items()})
        for side, rows in enumerate(ROWS)
    )
    return reference, window


@pytest.fixture(scope="module")
def found(frames: tuple[pd.DataFrame, pd.DataFrame]) -> dict[str, ColumnDrift]:
    drift = measure(*(profile_frame(frame, NOW) for frame in frames))
    assert (drift.reference_rows, drift.rows) == ROWS
    return {each.column: each for each in drift.columns}


def known(frames: tuple[pd.DataFrame, pd.DataFrame], name: str) -> list[np.ndarray]:
    return [frame[name].dropna().to_numpy() for frame in frames]


def distances(shares: list[np.ndarray]) -> tuple[float, float]:
    """PSI and the Jensen-Shannon distance, by scipy."""
    usual, now = (np.maximum(each, 1e-4) for each in shares)
    return float((rel_entr(usual, now) + rel_entr(now, usual)).sum()), float(
        jensenshannon(*shares, base=2)
    )


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers(
    name: str, frames: tuple[pd.DataFrame, pd.DataFrame], found: dict[str, ColumnDrift]
) -> None:
    sides, drift = known(frames, name), found[name]
    ends = [
        (-np.inf if each.low is None else each.low, np.inf if each.high is None else each.high)
        for each in drift.bins
    ]
    shares = [
        np.array(
            [np.mean((low <= side) & ((side < high) | (high == np.inf))) for low, high in ends]
        )
        for side in sides
    ]
    assert sum(each.reference for each in drift.bins) == pytest.approx(1)
    # a value that is there once may have left no trace, and its bin is left out then
    assert [each.sum() for each in shares] == pytest.approx([1, 1], abs=0.001)
    psi, js = distances(shares)
    assert (drift.psi, drift.jensen_shannon) == (near(psi), near(js))
    # what is one float32 is one value: as such the model gets it
    narrow = [side.astype("float32") for side in sides]
    assert drift.ks == near(ks_2samp(*narrow, method="asymp").statistic)
    outside = (narrow[1] < narrow[0].min()) | (narrow[1] > narrow[0].max())
    assert drift.out_of_range == near(outside.mean())
    assert drift.kind == "number" and drift.total_variation is drift.unknown is None


@pytest.mark.parametrize("name", CONTINUOUS)
def test_numbers_are_cut_at_deciles(
    name: str, frames: tuple[pd.DataFrame, pd.DataFrame], found: dict[str, ColumnDrift]
) -> None:
    sides = known(frames, name)
    cuts = np.quantile(sides[0], np.linspace(0.1, 0.9, 9))
    shares = [np.bincount(np.searchsorted(cuts, side), minlength=10) / len(side) for side in sides]
    psi, js = distances(shares)
    assert (found[name].psi, found[name].jensen_shannon) == (near(psi), near(js))


@pytest.mark.parametrize("name", TEXTS)
def test_text(
    name: str, frames: tuple[pd.DataFrame, pd.DataFrame], found: dict[str, ColumnDrift]
) -> None:
    usual, now = (frame[name].value_counts(normalize=True) for frame in frames)
    own = usual[usual >= 0.01].index[:20]
    parts = [side.reindex(own, fill_value=0) for side in (usual, now)]
    shares = [np.array([*part, 1 - part.sum()]) for part in parts]
    fresh = now.index.difference(usual.index)
    psi, js = distances(shares)
    drift = found[name]
    assert drift.psi == pytest.approx(psi, abs=0.002)  # of a bin that is empty, 1e-4
    assert drift.jensen_shannon == pytest.approx(js)
    assert drift.total_variation == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2)
    assert drift.unknown == pytest.approx(now[fresh].sum())
    assert drift.kind == "text" and drift.ks is drift.out_of_range is None


def test_values_are_named(found: dict[str, ColumnDrift]) -> None:
    assert found["new_text"].new == ("c", "d") and not found["new_text"].vanished
    assert found["gone_text"].vanished == ("c",) and not found["gone_text"].new
    zero = next(each for each in found["rain"].bins if each.label == "0")
    assert zero.reference == pytest.approx(0.8, abs=0.03)
    assert zero.window == pytest.approx(0.5, abs=0.03)
    assert [each.label for each in found["other_constant"].bins] == ["5", "5 and more"]
    assert found["narrow"].psi == pytest.approx(0, abs=0.005), "0.1 is 0.1 as float32, too"
    assert found["narrow"].ks == pytest.approx(0, abs=0.02) and not found["narrow"].out_of_range
    assert found["holes"].window.missing == pytest.approx(0.1, abs=0.01)
    assert found["same"].chance == pytest.approx(9 / 20_000)


def drift_of(reference: Any, window: Any) -> ColumnDrift:
    frames = (pd.DataFrame({"x": reference}), pd.DataFrame({"x": window}))
    drift = measure(*(profile_frame(frame, NOW) for frame in frames))
    return drift.columns[0]


@pytest.mark.parametrize(
    ("reference", "window", "kind", "said"),
    [
        ([1.0, 2.0], ["a", "b"], "other", "the window holds text, and the reference numbers"),
        (["a", "b"], [1.0, 2.0], "other", "the window holds numbers, and the reference text"),
        ([[1], [2]], [[1], [2]], "other", "the window holds neither numbers nor text"),
        ([1.0, 2.0], [None, None], "nothing", None),
        ([None, None], ["a", "b"], "nothing", None),
        ([np.nan, np.nan], [1.0, 2.0], "nothing", None),
        (["a", "b"], ["", ""], "nothing", None),
        ([], [1.0], "nothing", None),
        # categories are text to the model, whatever the snapshot holds
        ([1, 2, 2], ["1", "2", "2"], "text", None),
        ([1.0, 2.0, np.nan, 2.0], ["1", "2", "", "2"], "text", None),
        ([True, False, True], ["true", "true", "false"], "text", None),
        ([True, None, False, True], ["true", "", "true", "false"], "text", None),
        ([np.inf, -np.inf], [np.inf, -np.inf], "number", None),
        ([1e300, -1e300], [1e300, -1e300], "number", None),
    ],
    ids=str,
)
def test_kinds(reference: Any, window: Any, kind: str, said: str | None) -> None:
    found = drift_of(reference, window)
    assert (found.kind, found.problem) == (kind, said)
    if kind in ("text", "number"):
        assert found.psi == pytest.approx(0) and found.jensen_shannon == pytest.approx(0)
        assert not found.new and not found.vanished and not found.unknown
    else:
        assert found.psi is found.jensen_shannon is found.ks is found.unknown is None


def test_endless_numbers_are_before_and_behind_all_others() -> None:
    endless, few = [np.inf] * 18, [1.0, 2.0]
    assert drift_of(few + endless, [5.0, 6.0]).ks == pytest.approx(0.9)
    assert drift_of(few + endless, [5.0, np.inf]).ks == pytest.approx(0.4)
    assert drift_of(few + [-np.inf] * 18, [-6.0, -5.0]).ks == pytest.approx(0.9)


def test_the_empty_text_is_missing() -> None:
    found = drift_of(["a", None, "b", "a"], ["a", "", "", None])
    assert (found.reference.missing, found.window.missing) == (0.25, 0.75)
    assert (found.reference.known, found.window.known) == (3, 1)


def test_names_without_end_have_no_share_of_unknown_ones() -> None:
    rng = np.random.default_rng(2)
    names = np.array([f"n{number}" for number in range(5000)])
    found = drift_of(
        np.where(rng.random(20_000) < 0.5, "much", rng.choice(names, 20_000)),
        np.where(rng.random(10_000) < 0.3, "much", rng.choice(names, 10_000)),
    )
    assert found.unknown is None and not found.new
    assert found.total_variation == pytest.approx(0.2, abs=0.02)


def test_windows_that_have_not_changed_pass_however_small_they_are() -> None:
    rng = np.random.default_rng(3)

    def rows(count: int) -> pd.DataFrame:
        names = np.char.add("n", rng.zipf(1.7, count).clip(max=10**9).astype(str))
        numbers = {"x": rng.normal(size=count), "delay": rain(rng, count, 0.3)}
        return pd.DataFrame(numbers | {"whole": rng.poisson(2, count), "name": names})

    reference = profile_frame(rows(4000), NOW)
    limits = DriftLimits()
    for _ in range(15):
        drift = measure(reference, profile_frame(rows(500), NOW))
        found = judge(drift, limits)
        assert found.verdict == "pass", found.reason
        name = drift.columns[1]
        assert name.unknown is not None and name.unknown > 0.01, "by chance alone"


def test_columns_that_are_asked_for_and_answers_that_are_there() -> None:
    rows = {"x": [1.0, 2.0], "prediction": ["late", "late"], "probability.late": [0.7, 0.8]}
    usual = profile_frame(pd.DataFrame(rows | {"target": [0, 1]}), NOW)
    now = profile_frame(pd.DataFrame(rows | {"extra": [0, 1]}), NOW)
    drift = measure(usual, now, ["x", "gone"])
    assert [each.column for each in drift.predictions] == ["prediction", "probability.late"]
    assert drift.unreferenced == ("extra",)
    gone, x = drift.columns
    assert gone.problem == "the reference has no such column" and x.problem is None
    found = {each.column: each.problem for each in measure(usual, now).columns}
    assert found == {"target": "the window has no such column", "x": None}
    snapshot = profile_frame(pd.DataFrame({"x": [1.0, 2.0]}), NOW)
    assert measure(snapshot, now).predictions == (), "a snapshot has no answers to compare with"


@pytest.mark.parametrize("broken", [b"", b"no profile", b"WHY1 and nothing"])
def test_a_profile_that_is_none_is_said_so(broken: bytes) -> None:
    whole = profile_frame(pd.DataFrame({"x": [1.0]}), NOW)
    with pytest.raises(ProfileCorrupt, match="no whylogs profile"):
        measure(whole, broken)
