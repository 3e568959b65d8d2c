"""What each column has changed in the answers, beside what is known of a model by hand."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from activities.modelling.data.profiles import sketch_frame
from activities.modelling.export.graphs import Graph
from activities.modelling.monitoring.attributing import what_moved
from perennial.contracts.analysis import Assessment
from perennial.contracts.causes import AnswersMoved
from perennial.contracts.drift import Moved, WindowVerdict
from tests.unit.serving.conftest import graph

START = datetime(2024, 5, 1, tzinfo=UTC)
FAILS = WindowVerdict(
    verdict="fail",
    reason="",
    columns=Assessment(verdict="fail", reason=""),
    moved=tuple(
        Moved(column=name, psi=0.3, share=0.25) for name in ("size", "colour", "p1", "p2", "other")
    ),
)
"""Of the size and colour the first class's odds grow, of p1 they fall, p2 is not looked at."""


def usual(rows: int, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    pixels = {name: rng.integers(0, 5, rows).astype("float32") for name in ("p0", "p1", "p2")}
    colour = rng.choice(["red", "green", ""], rows, p=[0.2, 0.7, 0.1])
    size = np.where(rng.random(rows) < 0.1, np.nan, rng.normal(size=rows)).astype("float32")
    return pd.DataFrame(pixels | {"size": size, "colour": colour})


@pytest.fixture(scope="module")
def champion(tmp_path_factory: pytest.TempPathFactory) -> Graph:
    return Graph(graph(0.0, tmp_path_factory.mktemp("graph") / "m.onnx"))


def told(
    champion: Graph, window: pd.DataFrame, reference: pd.DataFrame | None = None
) -> AnswersMoved:
    known = usual(4000) if reference is None else reference
    found = what_moved(champion, window, sketch_frame(known), FAILS, START)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("change", "column"),
    [
        (lambda rows: rows.assign(size=rows["size"] + 1.5), "size"),
        (lambda rows: rows.assign(size=np.exp(rows["size"])), "size"),
        (lambda rows: rows.assign(size=np.nan), "size"),
        (lambda rows: rows.assign(size=rows["size"].fillna(3)), "size"),
        (lambda rows: rows.assign(p1=rows["p1"] + 2), "p1"),
        (lambda rows: rows.assign(p1=0.0), "p1"),
        (lambda rows: rows.assign(colour="red"), "colour"),
        (lambda rows: rows.assign(colour="blue"), "colour"),
        (lambda rows: rows.assign(colour=np.where(rows["colour"] == "", "red", "green")), "colour"),
    ],
)
def test_the_change_of_one_column_is_what_it_changes(
    champion: Graph, change: Callable[[pd.DataFrame], pd.DataFrame], column: str
) -> None:
    before = usual(1000, seed=1)
    window = change(before)
    found = told(champion, window, before)
    scores = [champion.scores(rows)[:, 1].mean() for rows in (window, before)]
    assert found.mean == pytest.approx(scores[0], abs=1e-6)
    by_name = {each.column: each for each in found.columns}
    # values that are gone come back by lot
    assert by_name[column].change == pytest.approx(scores[0] - scores[1], abs=0.02)
    assert found.together == pytest.approx(scores[0] - scores[1], abs=0.02)
    assert found.columns[0].column == column and by_name["p2"].change == 0
    assert by_name[column].share > 0.85
    assert sum(each.share for each in found.columns) == pytest.approx(1)


def test_rows_of_the_reference_itself_change_next_to_nothing(champion: Graph) -> None:
    rows = usual(1000, seed=1)
    assert all(abs(each.change) < 0.002 for each in told(champion, rows, rows).columns)


def test_what_goes_together_still_does(champion: Graph) -> None:
    """Values by lot would tear the two apart, which changes answers of which none has moved."""
    rows = usual(1000, seed=1)
    rows["size"] = rows["p1"] * 2 + 5
    reference = rows.assign(size=rows["size"] - 5)
    found = told(champion, rows, reference)
    before = champion.scores(reference)[:, 1].mean()
    (first, *_) = found.columns
    assert first.column == "size"
    assert first.change == pytest.approx(found.mean - before, abs=0.01)


def test_the_rows_that_moved_are_told_by_segment(champion: Graph) -> None:
    """The size of green rows alone becomes another; what the others contribute is next to none."""
    before = usual(1000, seed=1).assign(p0=0.0)
    green = before["colour"] == "green"
    window = before.assign(size=before["size"] + np.where(green, 3.0, 0.0))
    found = what_moved(champion, window, sketch_frame(before), FAILS, START, ("colour", "p0", "no"))
    assert found is not None
    exact = champion.scores(window)[:, 1] - champion.scores(before)[:, 1]
    most, other, whole = found.segments
    assert (most.segment, other.segment) == ("colour=green", "colour=red")
    assert most.rows == green.sum() and most.share > 0.85
    # a column is replaced as a whole, so some of the change is taken from the others
    assert most.change == pytest.approx(np.nansum(exact[green]) / 1000, rel=0.2)
    assert abs(other.change) < abs(most.change) / 5
    # one value that all rows have is all of the change
    assert (whole.segment, whole.rows, whole.share) == ("p0=0", found.rows, 1.0)
    assert whole.change == pytest.approx(found.together, abs=1e-6)
    names = [f"n{number % 8}" for number in range(1000)]
    many = window.assign(colour=names)
    found = what_moved(champion, many, sketch_frame(before), FAILS, START, ("colour",))
    assert found is not None and len(found.segments) == 5
    assert sum(each.share for each in found.segments) < 1, "of all eight"


def test_it_takes_less_than_a_second_and_large_windows_no_longer(champion: Graph) -> None:
    window, reference = usual(200_000, seed=1), sketch_frame(usual(4000))
    began = time.process_time()
    assert what_moved(champion, window, reference, FAILS, START) is not None
    assert time.process_time() - began < 1


def test_nothing_is_said_where_the_champion_cannot_answer(champion: Graph) -> None:
    reference = sketch_frame(usual(4000))
    rows = usual(1000)
    assert what_moved(champion, rows.drop(columns="size"), reference, FAILS, START) is None
    assert what_moved(champion, rows.assign(prediction=None), reference, FAILS, START) is None
    broken = rows.assign(p0=5000.0)
    assert what_moved(champion, broken, reference, FAILS, START) is None


def test_the_same_window_has_the_same_figures(champion: Graph) -> None:
    window = usual(3000, seed=3).assign(colour="red")
    assert told(champion, window) == told(champion, window)
