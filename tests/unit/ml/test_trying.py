"""A trial never sees the rows that the candidate is measured on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from activities.modelling.data.split import split_rows
from activities.modelling.projects import load_project
from activities.modelling.training.trying import try_out
from activities.trial_files import TrialFiles
from perennial.contracts.errors import EvidenceInvalid
from perennial.contracts.search import Trial
from perennial.contracts.spec import EarlyStopping, Training
from tests.unit.ml.making import NOTHING

OWN = "tests.integration.ml.projects"
PLAN = Training(epochs=3, seed=2)


def scores(name: str, metric: str = "roc_auc", frame: pd.DataFrame | None = None) -> list[float]:
    project = load_project(f"{OWN}:{name}")
    rows = project.own.load(NOTHING) if frame is None else frame
    told: list[float] = []
    try_out(rows, project, "binary", PLAN, metric, scored=told.append)
    return told


@pytest.mark.parametrize(("name", "count"), [("Line", 3), ("Boosted", 1)])
def test_a_network_is_measured_each_epoch_and_trees_at_the_end(name: str, count: int) -> None:
    project = load_project(f"{OWN}:{name}")
    frame = project.own.load(NOTHING)
    told = scores(name)
    assert len(told) == count and all(0 <= score <= 1 for score in told)
    held_out = split_rows(frame, project.features(), PLAN.split, PLAN.seed).test
    spoilt = frame.copy()
    spoilt.loc[held_out, "a"] = 1e6
    spoilt.loc[held_out, "above"] = 1 - spoilt.loc[held_out, "above"]
    assert scores(name, frame=spoilt) == told


def test_the_epoch_that_a_training_would_keep_is_told() -> None:
    project = load_project(f"{OWN}:Line")
    watched = PLAN.model_copy(update={"early_stopping": EarlyStopping(patience=9)})
    rows, told = project.own.load(NOTHING), []
    kept = try_out(rows, project, "binary", watched, "roc_auc", scored=told.append)
    assert kept in (1, 2, 3)
    trial = Trial(number=0, params={}, scores=tuple(told), kept_epoch=kept)
    assert trial.score == told[kept - 1]
    assert Trial(number=0, params={}, scores=(0.1, 0.2)).score == 0.2


def test_a_metric_that_is_not_measured_is_named() -> None:
    with pytest.raises(EvidenceInvalid, match="no metric 'rmse' to search by; there are accuracy"):
        scores("Line", "rmse")


def test_trials_are_kept_and_a_broken_one_is_none(tmp_path: Path) -> None:
    files = TrialFiles(f"file://{tmp_path}", "r", "key")
    assert files.all() == [] and files.find(1) is None
    first = Trial(number=1, params={"a": 1}, scores=(0.5,))
    files.keep(first)
    files.keep(first.model_copy(update={"state": "finished"}))
    files.keep(Trial(number=0, params={"a": 2}))
    assert [(trial.number, trial.state) for trial in files.all()] == [
        (0, "running"),
        (1, "finished"),
    ]
    Path(files.folder, "00000.json").write_text("{")
    assert [trial.number for trial in files.all()] == [1]
    assert TrialFiles(f"file://{tmp_path}", "r", "other").all() == []
