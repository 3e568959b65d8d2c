"""What a bootstrap of every figure costs: 1,000 samples of 100,000 rows, by task and by groups."""

from __future__ import annotations

import os
import statistics
import tempfile
import time

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import nn

from activities.modelling.evidence.bootstrap import replicates, resampled
from activities.modelling.evidence.examination import Examination
from activities.modelling.evidence.held_out import HeldOut
from activities.modelling.projects import load_project
from benchmarks.results import Row, row
from perennial.authoring import Features, ModelProject, Params, Shape
from perennial.blobs import BlobStore
from perennial.contracts.evidence_plan import EvidencePlan
from perennial.contracts.spec import MetricPlan, Task

ROUNDS = "PERENNIAL_BENCH_ROUNDS"
_ROUNDS = 3
_ROWS, _SAMPLES, _CLASSES, _GROUPS = 100_000, 1_000, 10, 5
_TARGET = 5.0
_TASKS: tuple[Task, ...] = ("binary", "multiclass", "regression")


def run() -> list[Row]:
    """Seconds of each task, and of a candidate with a champion beside it."""
    load, rounds = os.getloadavg()[0], int(os.environ.get(ROUNDS, _ROUNDS))
    rows = [row("load average before", load, "processes")]
    size = f"{_SAMPLES:,} samples of {_ROWS:,} rows"
    for task in _TASKS:
        seconds = statistics.median(_seconds(task, 1) for _ in range(rounds))
        rows.append(row(f"{task}: {size}", seconds, "s", target=_TARGET))
    paired = statistics.median(_seconds("binary", 2) for _ in range(rounds))
    rows.append(row(f"binary, beside a champion: {size}", paired, "s", target=_TARGET))
    whole = statistics.median(_examined() for _ in range(rounds))
    label = f"binary, all that is examined, with {_GROUPS} groups: {size}"
    return [*rows, row(label, whole, "s", target=_TARGET)]


class Likely(ModelProject):
    """Rows that say themselves how probable they are."""

    def features(self) -> Features:
        """One number."""
        return Features(target="truth", numeric=["likely"])

    def build(self, shape: Shape, params: Params) -> nn.Module:
        """Nothing is trained here."""
        raise NotImplementedError


def _examined() -> float:
    random = np.random.default_rng(0)
    likely = random.random(_ROWS)
    frame = pd.DataFrame({"likely": likely, "group": random.integers(0, _GROUPS, _ROWS)})
    truth = (random.random(_ROWS) < likely).astype(np.intp)
    rows = HeldOut("binary", load_project(f"{__name__}:Likely"), frame, ("no", "yes"), truth)
    plan = EvidencePlan(samples=_SAMPLES, groups=("group",))

    def score(asked: pd.DataFrame) -> NDArray[np.float64]:
        said = asked["likely"].fillna(0.5).clip(0, 1).to_numpy()
        return np.column_stack([1 - said, said])

    examination = Examination(rows, MetricPlan(primary="roc_auc"), plan, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        examination.examine(score(frame), {}, score, BlobStore(f"file://{folder}"))
        return time.perf_counter() - began


def _seconds(task: Task, models: int) -> float:
    random = np.random.default_rng(0)
    classes = 2 if task == "binary" else _CLASSES
    truth = (
        random.normal(size=_ROWS) if task == "regression" else random.integers(0, classes, _ROWS)
    )
    answers = [
        truth + random.normal(size=_ROWS)
        if task == "regression"
        else random.dirichlet(np.ones(classes), _ROWS)
        for _ in range(models)
    ]
    began = time.perf_counter()
    replicates([resampled(task, truth, each) for each in answers], _ROWS, _SAMPLES, seed=1)
    return time.perf_counter() - began
