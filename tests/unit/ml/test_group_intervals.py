"""How sure the figures of groups are, beside plainer ways to find it out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from activities.modelling.evidence.examination import Examination
from activities.modelling.evidence.group_samples import Apart, GroupSamples
from activities.modelling.evidence.groups import by_group
from activities.modelling.evidence.held_out import HeldOut
from activities.modelling.projects import Project, load_project
from perennial.blobs import BlobStore
from perennial.contracts.evidence_plan import EvidencePlan, Rule
from perennial.contracts.examined import Groups
from perennial.contracts.spec import MetricPlan, Task
from tests.unit.ml.conftest import Write

ROWS = 900
OWN = """
class Own(Base):
    def metrics(self, truth, scores):
        return {"half": ((scores[:, 1] >= 0.5) == truth).mean() / 2}
"""


@pytest.fixture(scope="module")
def project(write_project: Write) -> Project:
    return load_project(write_project(OWN))


def made(project: Project, task: Task) -> tuple[HeldOut, Any]:
    """Rows of three groups, one of which is served worse."""
    random = np.random.default_rng(0)
    side = random.choice(["a", "b", "c"], ROWS, p=[0.6, 0.3, 0.1])
    if task == "regression":
        truth: Any = random.normal(size=ROWS)
        scores = truth + random.normal(size=ROWS) + (side == "b")
    else:
        classes = 2 if task == "binary" else 3
        truth = random.integers(0, classes, ROWS)
        better = np.where(side == "b", 0.2, 0.6)[:, None]
        raw = random.random((ROWS, classes)) + better * np.eye(classes)[truth]
        scores = raw / raw.sum(axis=1, keepdims=True)
    names = () if task == "regression" else ("0", "1", "2")[: scores.shape[1]]
    frame = pd.DataFrame({"side": side, "size": 0.0, "colour": "red"})
    return HeldOut(task, project, frame, names, truth), scores


def judged(project: Project, blobs: BlobStore, primary: str = "accuracy", **plan: Any) -> Groups:
    rows, scores = made(project, "binary")

    def as_before(frame: pd.DataFrame) -> Any:
        return scores[: len(frame)]  # nobody asks here about rows that are disturbed

    wanted = EvidencePlan(groups=("side",), **plan)
    examination = Examination(rows, MetricPlan(primary=primary), wanted, seed=1)
    return examination.examine(scores, {}, as_before, blobs).groups["side"]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_groups_of_drawn_rows_are_as_far_apart_as_those_rows_are(
    task: Task, project: Project
) -> None:
    rows, scores = made(project, task)
    plan = EvidencePlan(groups=("side",), smallest_group=10)
    places = list(by_group(rows, scores, plan, "mae")["side"].places.values())
    apart = Apart(rows, scores, places)
    for drawn in (np.arange(ROWS), np.random.default_rng(1).integers(0, ROWS, ROWS)):
        counts = np.bincount(drawn, minlength=ROWS).astype(float)[None]
        again = HeldOut(task, project, rows.frame.iloc[drawn], rows.classes, rows.truth[drawn])
        usual = by_group(again, scores[drawn], plan, "mae")["side"].groups.fairness
        usual.pop("primary_difference", None)
        found = {name: values[0] for name, values in apart.figures(counts).items()}
        assert found == pytest.approx(usual)


def test_an_interval_is_as_wide_as_theory_says(project: Project, blobs: BlobStore) -> None:
    found = judged(project, blobs)
    for group in found.groups:
        right, interval = group.metrics["accuracy"], group.intervals["accuracy"]
        assert interval.low < right < interval.high
        wide = 2 * 1.96 * np.sqrt(right * (1 - right) / group.rows)
        assert interval.high - interval.low == pytest.approx(wide, rel=0.2)
    assert set(found.intervals) == set(found.fairness) >= {"primary_difference"}
    for name, interval in found.intervals.items():
        assert interval.low < found.fairness[name] < interval.high, name
    worst = found.groups[1]
    assert worst.value == "b" and worst.intervals["accuracy"].high < 0.8
    assert judged(project, blobs) == found


def test_what_is_too_small_to_be_judged_has_none(project: Project, blobs: BlobStore) -> None:
    found = judged(project, blobs, smallest_group=200)
    assert [bool(group.intervals) for group in found.groups] == [True, True, False]
    alone = judged(project, blobs, smallest_group=500)
    assert (len(alone.groups[0].intervals), alone.intervals, alone.fairness) == (1, {}, {})
    nobody = judged(project, blobs, smallest_group=800)
    assert not any(group.intervals for group in nobody.groups)


def test_a_metric_of_ones_own_in_groups(project: Project, blobs: BlobStore) -> None:
    rule = Rule(of="slice", measure="half", column="side", min=0.1)
    by_value = judged(project, blobs, rules=(rule,)).groups[0]
    assert "half" in by_value.metrics and "half" not in by_value.intervals
    sure = rule.model_copy(update={"by": "interval"})
    for found in (judged(project, blobs, rules=(sure,)), judged(project, blobs, primary="half")):
        for group in found.groups:
            half = group.intervals["half"]
            assert half.low < group.metrics["half"] < half.high
        between = found.intervals["primary_difference"]
        assert between.low < found.fairness["primary_difference"] < between.high


@pytest.mark.parametrize(
    ("of", "measure", "column"),
    [
        ("size", "megabytes", ""),
        ("robustness", "noise", ""),
        ("champion", "probability_better", ""),
    ],
)
def test_what_has_no_interval_is_not_judged_by_it(of: str, measure: str, column: str) -> None:
    rule = {"of": of, "measure": measure, "column": column, "max": 1}
    Rule.model_validate(rule)
    with pytest.raises(ValidationError, match="has no interval; metric, slice and fairness have"):
        Rule.model_validate({**rule, "by": "interval"})


def test_a_group_that_a_sample_has_not_says_nothing_of_it(project: Project) -> None:
    rows, scores = made(project, "binary")
    grouped = by_group(rows, scores, EvidencePlan(groups=("side",)), "roc_auc")["side"]
    sides = GroupSamples(rows, scores, "side", grouped, EvidencePlan(), "roc_auc")
    counts = np.ones((2, ROWS))
    counts[1, grouped.places["c"]] = 0
    *_, of_c, apart = (model.figures(counts) for model in sides.models)
    for name, values in {**of_c, **apart}.items():
        assert np.isfinite(values[0]) and np.isnan(values[1]), name
