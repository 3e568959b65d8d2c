"""Rows judged twice: all in one part, and many at a time from a file."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from activities.modelling.data.frames import to_table
from activities.modelling.data.parted import InMemory, OnFile
from activities.modelling.projects import Project
from activities.modelling.validation.checks import validate
from perennial.contracts.data import DataValidation, ProfileSummary
from perennial.contracts.data_plan import DataPlan
from perennial.contracts.spec import Split, Task


def judge(
    frame: pd.DataFrame,
    project: Project,
    task: Task,
    plan: DataPlan = DataPlan(),
    split: Split | None = None,
    seed: int = 0,
    reference: ProfileSummary | None = None,
    *,
    rows_at_once: int = 150,
) -> DataValidation:
    """What is said of the rows, which does not depend on the parts that they come in."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        table = to_table(frame, project.features(), "the source")
        pq.write_table(table, path, row_group_size=rows_at_once + 7)
        whole = InMemory(pq.read_table(path).to_pandas())
        said = validate(whole, project, task, plan, split, seed, reference)
        parts = OnFile(path, rows_at_once)
        again = validate(parts, project, task, plan, split, seed, reference)
    assert again == said
    return said
