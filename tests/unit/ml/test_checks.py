"""What is said of rows that break a rule: which rule, which rows, never the rows themselves."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from temporalio.testing import ActivityEnvironment

from activities.data import DataActivities
from activities.modelling.data.snapshots import Frames
from activities.modelling.projects import load_project
from perennial.blobs import BlobStore
from perennial.contracts.data import DataValidation, TakeSnapshot, ValidateSnapshot
from perennial.contracts.errors import ProjectInvalid
from perennial.contracts.spec import Source, Task
from tests.unit.ml.conftest import Write
from tests.unit.ml.judging import judge

PLAIN = "class Own(Base): pass"


def rows(**changes: object) -> pd.DataFrame:
    size = np.linspace(-1, 1, 40)
    frame = pd.DataFrame(
        {
            "id": [f"k{n}" for n in range(40)],
            "size": size,
            "colour": ["red", "blue"] * 20,
            "sold": [0, 1, 1, 0] * 10,
        }
    )
    return frame.assign(**changes)


def judged(name: str, frame: pd.DataFrame, task: Task = "binary") -> DataValidation:
    return judge(frame, load_project(name), task, rows_at_once=16)


def test_good_rows_pass(write_project: Write) -> None:
    said = judged(write_project(PLAIN), rows())
    assert said.passed and said.violations == ()
    assert said.summary() == f"40 rows passed {said.checks} checks"


def test_nan_in_the_label_names_the_rows_by_key(write_project: Write) -> None:
    sold = np.array([0.0, 1.0, 1.0, 0.0] * 10)
    sold[[3, 17]] = np.nan
    said = judged(write_project(PLAIN), rows(sold=sold))
    assert not said.passed
    violation = said.violations[0]
    assert (violation.check, violation.column, violation.count) == ("target_known", "sold", 2)
    assert violation.rows == ("k3", "k17")
    assert said.summary() == "sold is missing (NaN) in 2 of 40 rows: k3, k17"


def test_without_a_key_rows_are_numbered_and_ten_at_most(write_project: Write) -> None:
    name = write_project(
        "class Own(Base):\n    def features(self):\n"
        "        return Features(target='sold', numeric=['size'])"
    )
    said = judged(name, rows(sold=[None] * 30 + [0, 1] * 5))
    assert said.violations[0].count == 30
    assert said.violations[0].rows == tuple(f"row {n}" for n in range(10))
    assert said.summary().endswith("row 9, ...")


@pytest.mark.parametrize(
    ("changes", "task", "said"),
    [
        ({"sold": [1] * 40}, "binary", r"sold has 1 classes \(1\), but a binary task needs two"),
        ({"sold": [0, 1, 2, 3] * 10}, "binary", r"sold has 4 classes \(0, 1, 2, 3\)"),
        ({"sold": ["a"] * 40}, "multiclass", "needs two classes or more"),
        ({"id": ["k"] * 2 + [f"k{n}" for n in range(38)]}, "binary", "id is missing or not unique"),
        ({"size": [np.inf] + [1.0] * 39}, "binary", "size is infinite in 1 of 40 rows: k0"),
        ({"size": [np.nan] * 40}, "binary", "size is missing in 40 of 40 rows"),
        ({"size": [0.0, 1.0, 1.0, 0.0] * 10}, "binary", "size is the target under another name"),
        ({"colour": ["n", "y", "y", "n"] * 10}, "binary", "colour is the target under another"),
        ({"sold": ["much"] + ["2"] * 39}, "regression", "sold is no number in 1 of 40 rows: k0"),
        ({"sold": [np.inf] + [1.0] * 39}, "regression", "sold is infinite in 1 of 40 rows: k0"),
    ],
)
def test_standing_checks(
    write_project: Write, changes: dict[str, object], task: Task, said: str
) -> None:
    found = judged(write_project(PLAIN), rows(**changes), task)
    assert not found.passed
    assert any(pd.Series([v.message]).str.contains(said)[0] for v in found.violations), found


SCHEMA = """
class Own(Base):
    def schema(self):
        return pa.DataFrameSchema({
            "size": pa.Column(float, [pa.Check.ge(-0.9), pa.Check.le(0.9)]),
            "colour": pa.Column(str, pa.Check.isin(["red", "green"])),
            "weight": pa.Column(float),
            "sold": pa.Column(str),
        })
"""


def test_every_broken_rule_of_a_schema_is_said_at_once(write_project: Write) -> None:
    found = judged(write_project(SCHEMA), rows())
    said = {(v.column, v.check.split("(")[0]): v for v in found.violations}
    assert said["colour", "isin"].count == 20
    assert said["colour", "isin"].rows[:2] == ("k1", "k3")
    assert "such as 'blue'" in said["colour", "isin"].message
    assert said["size", "greater_than_or_equal_to"].rows == ("k0", "k1")
    assert said["size", "less_than_or_equal_to"].rows == ("k38", "k39")
    assert any(v.column == "weight" or "weight" in v.message for v in found.violations)
    assert any(column == "sold" and "dtype" in check for column, check in said)


def test_a_schema_that_raises_is_the_projects_fault(write_project: Write) -> None:
    name = write_project("class Own(Base):\n    def schema(self):\n        return pa.Nope()")
    with pytest.raises(ProjectInvalid, match=r"schema\(\) raised AttributeError"):
        judged(name, rows())


def test_a_profile_of_failures_never_holds_the_frame(write_project: Write) -> None:
    found = judged(write_project(SCHEMA), rows())
    assert len(found.model_dump_json()) < 5000


async def test_the_activity_reads_the_snapshot(write_project: Write, blobs: BlobStore) -> None:
    name = write_project(
        """
        class Own(Base):
            def load(self, source):
                frame = super().load(source)
                frame["sold"] = frame.sold.astype(float)
                frame.loc[[5, 6], "sold"] = np.nan
                return frame
        """
    )
    activities, environment = DataActivities(blobs, Frames(blobs)), ActivityEnvironment()
    snapshot = await environment.run(
        activities.take_snapshot,
        TakeSnapshot(run_id="r", model="m", project=name, source=Source(uri="x")),
    )
    said = await environment.run(
        activities.validate_snapshot,
        ValidateSnapshot(run_id="r", model="m", project=name, task="binary", snapshot=snapshot),
    )
    assert said.violations[0].rows == ("5", "6")
