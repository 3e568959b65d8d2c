"""What a window that was just profiled shows is what its rows show, however little a bin holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.special import rel_entr
from scipy.stats import ks_2samp

from activities.modelling.data.profiles import profile_and_read, profile_frame, profile_parts
from activities.modelling.data.sketches import REFERENCE, Sketch, read_merged, read_sketches
from activities.modelling.monitoring.drift import compare

NOW = datetime(2024, 5, 1, tzinfo=UTC)
ROWS, WINDOW_ROWS, PARTS = 60_000, 20_000, 8
Floats = np.ndarray

SHAPES: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda rng, rows: rng.normal(size=rows),
    "lognormal": lambda rng, rows: rng.lognormal(size=rows),
    "exponential": lambda rng, rows: rng.exponential(size=rows),
    "uniform": lambda rng, rows: rng.random(rows),
    "heavy": lambda rng, rows: rng.standard_t(3, rows),
}
MOVES: dict[str, Callable[[Floats], Floats]] = {
    "stays": lambda values: values,
    "a little": lambda values: values + 0.1,
    "half": lambda values: values + 0.5,
    "far": lambda values: values + 2,
    "wider": lambda values: values * 1.5,
    "narrower": lambda values: values * 0.5 + 0.2,
}


def at_hand(rows: pd.DataFrame) -> dict[str, Sketch]:
    return read_sketches(profile_frame(rows, NOW, REFERENCE))


def in_parts(rows: pd.DataFrame) -> dict[str, Sketch]:
    table, size = pa.Table.from_pandas(rows, preserve_index=False), ROWS // PARTS
    parts = (table.slice(start, size) for start in range(0, ROWS, size))
    return read_sketches(profile_parts(parts, (), NOW)[0])


def earlier_windows(rows: pd.DataFrame) -> dict[str, Sketch]:
    size = ROWS // PARTS
    windows = (profile_frame(rows[start : start + size], NOW) for start in range(0, ROWS, size))
    return read_merged(windows, set(rows))


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(3)
    usual, now = dict[str, Floats](), dict[str, Floats]()
    for shape, draw in SHAPES.items():
        learnt = draw(rng, ROWS)
        for move, moved in MOVES.items():
            usual[f"{shape} {move}"] = learnt
            now[f"{shape} {move}"] = moved(draw(rng, WINDOW_ROWS)).astype("float32")
    return pd.DataFrame(usual), pd.DataFrame(now)


def exact(usual: Floats, now: Floats) -> tuple[float, float, float]:
    """PSI, the Jensen-Shannon distance and KS, of the rows themselves."""
    cuts = np.quantile(usual, np.arange(1, 10) / 10)
    shares = [np.bincount(np.searchsorted(cuts, each), minlength=10) for each in (usual, now)]
    shares = [each / each.sum() for each in shares]
    floor = [np.maximum(each, 1e-4) for each in shares]
    psi = rel_entr(*floor).sum() + rel_entr(*floor[::-1]).sum()
    gap = ks_2samp(usual, now, method="asymp").statistic
    return float(psi), float(jensenshannon(*shares, base=2)), float(gap)


@pytest.mark.parametrize(
    ("reference", "off"),
    [
        (at_hand, 0.001),  # cut at float32: now and then one of its rows is on the other side
        # their deciles are a few rows aside: of the rows of a bin that is nearly empty, a hundredth
        (in_parts, 0.01),
        (earlier_windows, 0.01),
    ],
)
def test_distances_are_those_of_the_rows(
    reference: Callable[[pd.DataFrame], Mapping[str, Sketch]],
    off: float,
    frames: tuple[pd.DataFrame, pd.DataFrame],
) -> None:
    usual, now = frames
    drift = compare(reference(usual), profile_and_read(now, NOW)[1])
    assert len(drift.columns) == len(SHAPES) * len(MOVES)
    emptiest = 1.0
    for found in drift.columns:
        psi, js, gap = exact(usual[found.column].to_numpy(), now[found.column].to_numpy())
        # where nothing has moved they are nearly 0, of which a few rows are much
        aside = 1e-5 if reference is at_hand else 3e-4
        assert found.psi == pytest.approx(psi, rel=off, abs=aside), found.column
        assert found.jensen_shannon == pytest.approx(js, rel=off, abs=aside), found.column
        assert found.ks == pytest.approx(gap, rel=0, abs=1e-4), found.column
        emptiest = min(emptiest, *(each.window for each in found.bins if each.window))
    assert emptiest < 0.001, "no bin is nearly empty, which is what all of this is about"
