"""The short way into whylogs says what the library's own long way says."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest
import whylogs
from whylogs.core.schema import DatasetSchema

from activities.modelling.data.profiles import _Types, profile_frame
from activities.modelling.data.sketches import read_profile, read_sketches

NOW = datetime(2024, 5, 1, tzinfo=UTC)
EXACT = ["counts/n", "counts/null", "counts/nan", "counts/inf", "types/fractional"]


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    fraction = rng.normal(size=2000)
    fraction[:7] = np.nan
    whole = rng.integers(0, 50, size=2000)
    colour = pd.Series(rng.choice(["red", "green"], size=2000)).where(whole > 2)
    return pd.DataFrame({"fraction": fraction, "whole": whole, "colour": colour})


def test_the_figures_are_those_of_the_library() -> None:
    frame = rows()
    ours = read_profile(profile_frame(frame, NOW)).to_pandas()
    theirs = whylogs.log(frame, schema=DatasetSchema(type_mapper=_Types())).view().to_pandas()
    for column in frame.columns:
        for figure in [*EXACT, "distribution/mean", "distribution/max", "distribution/stddev"]:
            expected = theirs.loc[column, figure]
            assert ours.loc[column, figure] == pytest.approx(expected, nan_ok=True), figure


def test_what_is_missing_and_infinite_is_counted() -> None:
    frame = rows()
    frame.loc[9, "fraction"] = math.inf
    figures = read_profile(profile_frame(frame, NOW)).to_pandas().loc["fraction"]
    assert (figures["counts/n"], figures["counts/null"], figures["counts/inf"]) == (2000, 7, 1)


def test_text_is_text_under_numpy_2() -> None:
    view = read_profile(profile_frame(rows(), NOW))
    column = view.get_column("colour")
    assert column is not None
    items = {item.value: item.est for item in column.get_metric("frequent_items").strings}
    assert set(items) == {"red", "green"}


def test_times_and_truth_have_a_distribution() -> None:
    at = pd.to_datetime(["2024-01-01", "2024-01-03", None], utc=True)
    frame = pd.DataFrame({"at": at, "flag": [True, False, True]})
    figures = read_profile(profile_frame(frame, NOW)).to_pandas()
    assert figures.loc["at", "distribution/max"] == datetime(2024, 1, 3, tzinfo=UTC).timestamp()
    assert figures.loc["at", "counts/null"] == 1
    assert figures.loc["flag", "distribution/mean"] == pytest.approx(2 / 3)


def test_a_reference_knows_its_deciles_exactly() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"delay": rng.normal(size=100_000), "only": "text"})
    frame.loc[:99, "delay"] = math.nan
    parts = [profile_frame(part, NOW, "reference") for part in (frame[:60_000], frame[60_000:])]
    whole = read_sketches(profile_frame(frame, NOW, "reference"))["delay"]
    exact = frame["delay"].quantile(np.arange(1, 10) / 10).to_numpy()
    assert whole.numbers.deciles() == pytest.approx(exact, rel=1e-12)
    # whylogs keeps what was said of one of two profiles that somebody merges
    merged = read_profile(parts[0]).merge(read_profile(parts[1])).serialize()
    near = read_sketches(merged)["delay"].numbers.deciles()
    assert near == pytest.approx(exact, abs=0.005)
