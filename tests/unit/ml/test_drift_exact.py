"""What a window that was just profiled shows is what its rows show, however little a bin holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from activities.modelling.data.profiles import profile_and_read
from activities.modelling.monitoring.drift import compare
from benchmarks.monitoring import exact, moved
from tests.unit.ml.test_drift import NOW

AT_HAND = "reference at hand"


@pytest.fixture(scope="module")
def frames() -> tuple[pd.DataFrame, pd.DataFrame]:
    usual, now = moved.drawn(60_000, 20_000)
    return usual, now.astype("float32")  # as requests are logged


@pytest.mark.parametrize(
    ("reference", "off"),
    [
        (AT_HAND, 0.001),  # cut at float32: now and then one of its rows is on the other side
        # their deciles are a few rows aside: of the rows of a bin that is nearly empty, a hundredth
        ("reference in parts", 0.01),
        ("rolling reference", 0.01),
    ],
)
def test_distances_are_those_of_the_rows(
    reference: str, off: float, frames: tuple[pd.DataFrame, pd.DataFrame]
) -> None:
    usual, now = frames
    drift = compare(moved.REFERENCES[reference](usual), profile_and_read(now, NOW)[1])
    assert [each.column for each in drift.columns] == sorted(usual)
    emptiest = 1.0
    for found in drift.columns:
        sides = (usual[found.column].to_numpy(), now[found.column].to_numpy().astype(np.float64))
        psi, js, gap = exact.between(*sides)
        # where nothing has moved they are nearly 0, of which a few rows are much
        aside = 1e-5 if reference == AT_HAND else 3e-4
        assert found.psi == pytest.approx(psi, rel=off, abs=aside), found.column
        assert found.jensen_shannon == pytest.approx(js, rel=off, abs=aside), found.column
        assert found.ks == pytest.approx(gap, rel=0, abs=1e-4), found.column
        emptiest = min(emptiest, *(each.window for each in found.bins if each.window))
    assert emptiest < 0.001, "no bin is nearly empty, which is what all of this is about"
