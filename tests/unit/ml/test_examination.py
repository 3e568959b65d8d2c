"""What is found out about a candidate beyond its metrics, beside plainer ways to find it out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import fairlearn.metrics as fair
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import auc, precision_recall_curve, roc_curve

from activities.modelling.evidence.bootstrap import replicates, resampled
from activities.modelling.evidence.calibration import calibration
from activities.modelling.evidence.curves import curves
from activities.modelling.evidence.examination import Examination
from activities.modelling.evidence.held_out import HeldOut
from activities.modelling.evidence.metrics import measure
from activities.modelling.projects import Project, load_project
from perennial.blobs import BlobStore
from perennial.contracts.errors import EvidenceInvalid
from perennial.contracts.evidence_plan import EvidencePlan
from perennial.contracts.examined import Examined
from perennial.contracts.spec import MetricPlan, Task
from tests.unit.ml.conftest import Write

ROWS = 300


@pytest.fixture(scope="module")
def project(write_project: Write) -> Project:
    return load_project(
        write_project("class Own(Base):\n    def metrics(self, truth, scores):\n        return {}")
    )


def answers(task: Task, seed: int = 0, rows: int = ROWS) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    if task == "regression":
        truth = random.normal(50, 3, size=rows)
        return truth, truth + random.normal(size=rows)
    classes = 2 if task == "binary" else 4
    truth = random.integers(0, classes, rows)
    raw = random.random((rows, classes)) + 0.6 * np.eye(classes)[truth]
    return truth, np.round(raw / raw.sum(axis=1, keepdims=True), 2)  # with ties


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_a_weighted_figure_is_that_of_the_rows_drawn(task: Task, project: Project) -> None:
    truth, scores = answers(task)
    random = np.random.default_rng(1)
    model = resampled(task, truth, scores)
    once = measure(task, truth, scores, project)
    assert {k: v[0] for k, v in model.figures(np.ones((1, ROWS))).items()} == pytest.approx(once)
    drawn = random.integers(0, ROWS, ROWS)
    counts = np.bincount(drawn, minlength=ROWS).astype(float)[None]
    found = {name: values[0] for name, values in model.figures(counts).items()}
    assert found == pytest.approx(measure(task, truth[drawn], scores[drawn], project))


@pytest.mark.parametrize("rows", [400, 5_000])
def test_resamples_spread_as_theory_says(rows: int) -> None:
    truth, scores = answers("binary", rows=rows)
    [found] = replicates([resampled("binary", truth, scores)], rows, 1000, seed=3)
    right = ((scores[:, 1] >= 0.5) == truth).mean()
    assert found["accuracy"].std() == pytest.approx(np.sqrt(right * (1 - right) / rows), rel=0.1)
    assert found["accuracy"].mean() == pytest.approx(right, abs=0.005)
    [again] = replicates([resampled("binary", truth, scores)], rows, 1000, seed=3)
    assert all((found[name] == again[name]).all() for name in found)


def test_calibration_by_hand() -> None:
    likely = np.array([0.15, 0.15, 0.95, 0.95])
    found = calibration(np.array([0, 1, 1, 1]), np.column_stack([1 - likely, likely]))
    low, high = found.bins
    assert (low.low, low.rows, low.expected, low.observed) == (0.1, 2, pytest.approx(0.15), 0.5)
    assert (high.high, high.rows, high.observed) == (1.0, 2, 1.0)
    assert found.brier == pytest.approx((2 * 0.05**2 + 0.15**2 + 0.85**2) / 4)
    # of the likeliest class: 0.85 right half the time, 0.95 always
    assert found.error == pytest.approx((2 * 0.35 + 2 * 0.05) / 4)
    perfect = calibration(np.array([0, 1, 2]), np.eye(3))
    assert (perfect.error, perfect.brier) == (0, 0)


Score = Callable[[pd.DataFrame], Any]


def by_size(frame: pd.DataFrame) -> Any:
    """It looks at the size alone."""
    size = frame["size"].to_numpy(dtype=float)
    likely = 1 / (1 + np.exp(-3 * np.where(np.isfinite(size), size, 0)))
    return np.column_stack([1 - likely, likely])


def examined(
    project: Project,
    blobs: BlobStore,
    *,
    score: Score = by_size,
    champions: dict[int, Score] | None = None,
    metrics: MetricPlan | None = None,
    **plan: Any,
) -> Examined:
    frame = project.own.load(None)  # type: ignore[arg-type]  # it makes its rows
    rows = HeldOut("binary", project, frame, ("0", "1"), frame["sold"].to_numpy())
    examination = Examination(
        rows, metrics or MetricPlan(primary="roc_auc"), EvidencePlan(**plan), seed=1
    )
    theirs = {version: one(frame) for version, one in (champions or {}).items()}
    return examination.examine(score(frame), theirs, score, blobs)


def test_what_a_model_looks_at_is_what_it_misses(project: Project, blobs: BlobStore) -> None:
    found = examined(project, blobs)
    assert found.robustness is not None and found.details is not None
    strains = found.robustness.strains
    assert set(strains) == {"noise", "missing", "out_of_range", "shuffle"}
    assert (strains["shuffle"].column, found.robustness.rows) == ("size", 400)
    assert strains["shuffle"].drop > 0.3 > strains["out_of_range"].drop > 0.01
    assert abs(strains["noise"].drop) < 0.01 < strains["missing"].drop < 0.1
    shuffled = json.loads(blobs.get_bytes(found.details))["shuffled"]
    assert shuffled["colour"] == 0 and shuffled["size"] == strains["shuffle"].drop
    assert (found.samples, len(found.intervals)) == (1000, 8)
    auc = found.intervals["roc_auc"]
    assert auc.low < found.robustness.undisturbed < auc.high < auc.low + 0.1


def test_a_champion_beside_it_on_the_same_rows(project: Project, blobs: BlobStore) -> None:
    def guessing(frame: pd.DataFrame) -> Any:
        likely = np.random.default_rng(5).random(len(frame))
        return np.column_stack([1 - likely, likely])

    found = examined(project, blobs, champions={3: by_size, 4: guessing}).paired
    assert found[3].difference == found[3].low == found[3].high == 0
    assert found[3].probability_better == 0.5
    assert 0.2 < found[4].low < found[4].difference < found[4].high < 0.6
    assert found[4].probability_better == 1
    # the same question asked of a metric that is better smaller
    loss = MetricPlan(primary="log_loss", goal="minimize")
    worse = examined(project, blobs, score=guessing, champions={3: by_size}, metrics=loss)
    assert worse.paired[3].high < 0 and worse.paired[3].probability_better == 0
    assert worse.robustness is not None


def test_a_metric_of_ones_own_is_resampled_by_calling_it(
    write_project: Write, blobs: BlobStore
) -> None:
    own = load_project(
        write_project(
            "class Own(Base):\n"
            "    def metrics(self, truth, scores):\n"
            "        return {'half': ((scores[:, 1] > 0.5) == truth).mean() / 2}"
        )
    )
    plan = MetricPlan(primary="half")
    found = examined(own, blobs, champions={3: by_size}, metrics=plan)
    accuracy, half = found.intervals["accuracy"], found.intervals["half"]
    assert half.low == pytest.approx(accuracy.low / 2, abs=0.01)
    assert half.high == pytest.approx(accuracy.high / 2, abs=0.01)
    assert found.paired[3].difference == 0
    assert found.robustness is not None and found.robustness.strains["shuffle"].drop > 0.1


def test_groups_are_as_far_apart_as_fairlearn_says(project: Project, blobs: BlobStore) -> None:
    found = examined(project, blobs, groups=("colour",)).groups["colour"]
    frame = project.own.load(None)  # type: ignore[arg-type]
    sides: dict[str, Any] = {"sensitive_features": frame["colour"]}
    truth, called = frame["sold"], by_size(frame)[:, 1] >= 0.5
    for name in ("demographic_parity", "equalized_odds"):
        for how in ("difference", "ratio"):
            theirs = getattr(fair, f"{name}_{how}")(truth, called, **sides)
            assert found.fairness[f"{name}_{how}"] == pytest.approx(theirs)
    assert [group.rows for group in found.groups] == sorted(
        frame["colour"].value_counts(), reverse=True
    )
    assert all(group.judged and "roc_auc" in group.metrics for group in found.groups)


def test_a_group_that_is_too_small_is_shown_and_not_judged(
    project: Project, blobs: BlobStore
) -> None:
    few = examined(project, blobs, groups=("colour", "id"), smallest_group=140)
    colour, ids = few.groups["colour"], few.groups["id"]
    judged = [group.value for group in colour.groups if group.judged]
    assert len(judged) == 1 and len(colour.groups) == 3 and not colour.fairness
    assert colour.note == "not judged: 2 with fewer than 140 rows"
    assert (len(ids.groups), ids.unlisted, ids.fairness) == (20, 380, {})
    assert "380 further ones of 380 rows" in ids.note
    assert len(few.model_dump_json()) < 8_000, "it travels with the evidence"


def test_a_column_that_is_not_there(project: Project, blobs: BlobStore) -> None:
    with pytest.raises(EvidenceInvalid, match="'sex', which the snapshot has not; it has id, size"):
        examined(project, blobs, groups=("sex",))


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_curves_lie_on_those_of_all_rows(task: Task, project: Project) -> None:
    truth, scores = answers(task, rows=5_000)
    names = ("no", "yes") if task == "binary" else ("a", "b", "c", "d")
    found = curves(HeldOut(task, project, pd.DataFrame(), names, truth), scores)
    right = (truth[:, None] == np.arange(len(names))).astype(int)
    right, likely = (right[:, 1], scores[:, 1]) if task == "binary" else (right, scores)
    false, true, _ = roc_curve(right.ravel(), likely.ravel(), drop_intermediate=False)
    precision, recall, _ = precision_recall_curve(right.ravel(), likely.ravel())
    roc, pr = np.array(found["roc"]), np.array(found["pr"])
    assert 40 < len(roc) <= 100 and 40 < len(pr) <= 100
    assert {tuple(p) for p in roc} <= set(zip(false.round(5), true.round(5), strict=True))
    assert {tuple(p) for p in pr} <= set(zip(recall.round(5), precision.round(5), strict=True))
    assert roc[0].tolist() == [0, 0] and roc[-1].tolist() == [1, 1] and pr[-1][0] == 1
    assert auc(roc[:, 0], roc[:, 1]) == pytest.approx(auc(false, true), abs=1e-3)
    if task == "multiclass":
        most = found["confused"][0]
        said = scores.argmax(axis=1)
        a, b = names.index(most["truth"]), names.index(most["said"])
        assert most["rows"] == ((truth == a) & (said == b)).sum() > 0
        assert most["of"] == (truth == a).sum() and a != b


def test_errors_of_numbers_by_what_is_predicted(project: Project) -> None:
    truth, scores = answers("regression", rows=4_000)
    found = curves(HeldOut("regression", project, pd.DataFrame(), (), truth), scores)["residuals"]
    assert len(found) == 20 and sum(part["rows"] for part in found) == 4_000
    assert [p["predicted"] for p in found] == sorted(p["predicted"] for p in found)
    off = scores - truth
    inside = sum(
        ((off >= p["low"]) & (off <= p["high"]))[np.array_split(np.argsort(scores), 20)[i]].sum()
        for i, p in enumerate(found)
    )
    assert inside / 4_000 == pytest.approx(0.9, abs=0.01)


def test_one_row_or_one_class_has_no_curve_and_is_no_error(project: Project) -> None:
    none = HeldOut("binary", project, pd.DataFrame(), ("no", "yes"), np.zeros(3, dtype=int))
    found = curves(none, np.full((3, 2), 0.5))
    assert found == {"positives": 0, "roc": [], "pr": []}
    one = HeldOut("regression", project, pd.DataFrame(), (), np.array([1.0]))
    assert len(curves(one, np.array([3.0]))["residuals"]) == 1
