"""What a bootstrap of every figure costs: 1,000 samples of 100,000 rows, by task."""

from __future__ import annotations

import os
import statistics
import time

import numpy as np

from activities.modelling.bootstrap import replicates, resampled
from benchmarks.results import Row, row
from perennial.contracts.spec import Task

ROUNDS = "PERENNIAL_BENCH_ROUNDS"
_ROUNDS = 3
_ROWS, _SAMPLES, _CLASSES = 100_000, 1_000, 10
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
    return [*rows, row(f"binary, beside a champion: {size}", paired, "s", target=_TARGET)]


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
