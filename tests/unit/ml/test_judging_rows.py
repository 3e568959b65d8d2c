"""What rows show beyond the schema: leaks, shared rows, labels, and what was before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from activities.modelling.data.profiles import sketch_frame
from activities.modelling.data.summaries import summarize
from activities.modelling.projects import Project, load_project
from perennial.contracts.data import DataValidation
from perennial.contracts.data_plan import DataPlan, LearntLimits
from perennial.contracts.spec import Split, Task
from tests.unit.ml.conftest import Write
from tests.unit.ml.judging import judge

TIMED = """
class Own(Base):
    def features(self):
        return Features(
            target="sold", numeric=["size"], categorical=["colour"], key="id", time="at"
        )
"""
COUNT = 400


@pytest.fixture(scope="module")
def project(write_project: Write) -> Project:
    return load_project(write_project(TIMED))


def rows(**changes: object) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {
            "id": [f"k{n}" for n in range(COUNT)],
            "size": rng.normal(size=COUNT),
            "colour": rng.choice(["red", "green", "blue"], COUNT),
            "at": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(range(COUNT), "h"),
            "sold": rng.integers(0, 2, COUNT),
        }
    )
    return frame.assign(**changes)


def judged(
    project: Project, frame: pd.DataFrame, task: Task = "binary", **plan: Any
) -> DataValidation:
    before = summarize(sketch_frame(rows()))
    split = plan.pop("split", Split(by="time"))
    return judge(frame, project, task, DataPlan(**plan), split, 0, before)


def test_plain_rows_pass_and_their_labels_are_counted(project: Project) -> None:
    frame = rows()
    said = judged(project, frame, learnt=LearntLimits())
    assert said.passed, said.summary()
    assert said.warnings == ()
    assert sum(said.classes.values()) == COUNT
    assert (said.contradictions, said.shared_rows) == (0.0, 0.0)


SOLD = rows()["sold"]
NEARLY = SOLD.where(SOLD.index != 7, 1 - SOLD)


@pytest.mark.parametrize(
    ("changes", "task", "said"),
    [
        ({"colour": NEARLY.map({0: "n", 1: "y"})}, "binary", "colour is nearly the target"),
        ({"size": NEARLY + rows()["size"] / 100}, "binary", "size is nearly the target"),
        ({"size": -NEARLY + rows()["size"] / 100}, "binary", "size is nearly the target"),
        ({"sold": rows()["size"] * 2.2 + 3}, "regression", "size is nearly the target"),
        ({"size": SOLD.astype(float)}, "binary", "size is the target under another name"),
    ],
)
def test_a_column_that_tells_the_target(
    project: Project, changes: dict[str, object], task: Task, said: str
) -> None:
    frame = rows(**changes)
    found = judged(project, frame, task)
    assert not found.passed
    assert said in found.summary()
    if "is nearly" in said and task == "binary":
        assert found.violations[0].rows == ("k7",)
    column = found.violations[0].column
    assert judged(project, frame, task, may_tell_target=(column,)).passed


def test_a_rare_class_is_no_leak(project: Project) -> None:
    """Nothing is told by a constant that is right most of the time."""
    said = judged(project, rows(sold=[1] * 3 + [0] * (COUNT - 3), colour=["red"] * COUNT))
    assert said.passed, said.summary()
    assert [each.check for each in said.warnings] == ["class_balance"]
    assert "1 (3)" in said.summary()


def test_rows_on_both_sides_of_the_split(project: Project) -> None:
    frame = rows()
    copied = frame.loc[380:, ["size", "colour", "sold"]].to_numpy()
    frame.loc[:19, ["size", "colour", "sold"]] = copied
    frame["sold"] = frame["sold"].astype(int)
    frame["size"] = frame["size"].astype(float)
    told = judged(project, frame)
    assert told.passed and told.shared_rows == 0.25
    assert "note: the table of held-out rows are equal" in told.summary()
    refused = judged(project, frame, shared_rows=0.1)
    assert [each.check for each in refused.violations] == ["no_shared_rows"]
    assert refused.violations[0].count == 20
    assert refused.violations[0].rows[0] == "k380"


def test_a_random_split_of_rows_with_a_time_is_told(project: Project) -> None:
    said = judged(project, rows(), split=Split(by="random"))
    assert said.passed
    assert [each.check for each in said.warnings] == ["time_order"]
    assert judged(project, rows(), split=Split(by="time")).warnings == ()


def test_labels_that_contradict_each_other(project: Project) -> None:
    frame = rows()
    frame.loc[:9, "size"], frame.loc[:9, "colour"] = 0.25, "red"
    frame.loc[:9, "sold"] = [1, 1, 0, 1, 1, 1, 0, 1, 1, 1]
    said = judged(project, frame)
    assert said.contradictions == 2 / COUNT
    [warning] = said.warnings
    assert (warning.check, warning.rows) == ("label_noise", ("k2", "k6"))


@pytest.mark.parametrize(
    ("changes", "check", "worst", "said"),
    [
        ({"size": [*([9.0] * 19), 99.0] + [0.0] * 380}, "learnt_range", "k19", "outside of what"),
        ({"size": [None] * 200 + [0.1] * 200}, "learnt_missing", "k0", "before in 0.0%"),
        ({"colour": ["pink"] * 40 + ["red"] * 360}, "learnt_category", "k0", "such as 'pink'"),
        ({"colour": [1.5] * 399 + [2.0]}, "learnt_kind", None, "holds numbers, and did not before"),
    ],
)
def test_limits_that_are_learnt(
    project: Project, changes: dict[str, object], check: str, worst: str | None, said: str
) -> None:
    frame = rows(**changes)
    assert judged(project, frame).passed, "only where the spec asks for it"
    found = judged(project, frame, learnt=LearntLimits())
    assert [each.check for each in found.violations] == [check]
    assert said in found.summary()
    assert len(found.violations[0].rows) <= 10
    if worst is not None:
        assert found.violations[0].rows[0] == worst


def test_fewer_rows_than_before(project: Project) -> None:
    found = judged(project, rows().iloc[:150], learnt=LearntLimits())
    assert [each.check for each in found.violations] == ["learnt_rows"]
    assert "there are 150 rows, and were 400 before" in found.summary()


def test_times_that_are_to_come(project: Project) -> None:
    at = rows()["at"].where(rows().index > 2, pd.Timestamp("2199-01-01", tz="UTC"))
    at[1] = pd.Timestamp("2200-01-01", tz="UTC")
    found = judged(project, rows(at=at))
    assert found.violations[0].check == "time_past"
    assert found.violations[0].rows == ("k1", "k0", "k2"), "the farthest first"
