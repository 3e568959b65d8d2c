"""What is measured on held-out rows: the task's own figures, and the project's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from sklearn import metrics as sk

from activities.modelling.projects import Project
from perennial.contracts.base import Metrics
from perennial.contracts.errors import EvidenceInvalid
from perennial.contracts.spec import MetricPlan, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray


def measure(
    task: Task, truth: NDArray[np.generic], scores: NDArray[np.float64], project: Project
) -> Metrics:
    """Every figure of one model.

    binary: roc_auc, accuracy, f1 (at probability 0.5), log_loss, brier.
    multiclass: accuracy, macro_f1, log_loss.
    regression: rmse, mae, r2.

    Args:
        task: what is predicted.
        truth: class numbers or values `[rows]`.
        scores: probabilities `[rows, classes]`, or predictions `[rows]`.
        project: adds figures of its own.

    Raises:
        EvidenceInvalid: a figure is not a finite number.
        ProjectInvalid: metrics() raised, or gave no numbers.
    """
    if not np.isfinite(scores).all():
        bad = int((~np.isfinite(scores)).reshape(len(scores), -1).any(axis=1).sum())
        raise EvidenceInvalid(
            f"the model answers {bad:,} of {len(scores):,} held-out rows with something that is "
            f"not a finite number; train it with a lower training.learning_rate"
        )
    found = _OF_TASK[task](truth, scores)
    with project.calling("metrics"):
        own = {name: float(value) for name, value in project.own.metrics(truth, scores).items()}
    found |= own
    for name, value in found.items():
        if not math.isfinite(value):
            whose = f"the project's metrics() gives {name}" if name in own else name
            raise EvidenceInvalid(
                f"{whose} = {value} on {len(truth):,} held-out rows, which is no finite number; "
                f"see whether they hold every class, and enough rows"
            )
    return found


def require(found: Mapping[str, float], plan: MetricPlan) -> None:
    """Check that what the spec judges by is there.

    Raises:
        EvidenceInvalid: it names a metric that nobody measures.
    """
    wanted = dict.fromkeys([plan.primary, *(t.metric for t in plan.thresholds)])
    if missing := [name for name in wanted if name not in found]:
        raise EvidenceInvalid(
            f"the spec judges by {', '.join(missing)}, which is not measured; there are "
            f"{', '.join(found)}. Name one of these, or return it from the project's metrics()"
        )


def _binary(truth: NDArray[np.generic], scores: NDArray[np.float64]) -> Metrics:
    if len(set(truth.tolist())) < 2:
        raise EvidenceInvalid(
            f"all {len(truth):,} held-out rows are of one class, so roc_auc means nothing; raise "
            f"training.split.test_fraction, or split otherwise"
        )
    likely = scores[:, 1]
    guess = likely >= 0.5
    return {
        "roc_auc": float(sk.roc_auc_score(truth, likely)),
        "accuracy": float(sk.accuracy_score(truth, guess)),
        "f1": float(sk.f1_score(truth, guess, zero_division=0.0)),
        "log_loss": float(sk.log_loss(truth, likely, labels=[0, 1])),
        "brier": float(np.mean((likely - truth.astype(np.float64)) ** 2)),
    }


def _multiclass(truth: NDArray[np.generic], scores: NDArray[np.float64]) -> Metrics:
    guess = scores.argmax(axis=1)
    # float32 probabilities do not add up to 1 closely enough for the library's check
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    return {
        "accuracy": float(sk.accuracy_score(truth, guess)),
        "macro_f1": float(sk.f1_score(truth, guess, average="macro", zero_division=0.0)),
        "log_loss": float(sk.log_loss(truth, probabilities, labels=range(scores.shape[1]))),
    }


def _regression(truth: NDArray[np.generic], scores: NDArray[np.float64]) -> Metrics:
    return {
        "rmse": float(sk.root_mean_squared_error(truth, scores)),
        "mae": float(sk.mean_absolute_error(truth, scores)),
        "r2": float(sk.r2_score(truth, scores)),
    }


_OF_TASK = {"binary": _binary, "multiclass": _multiclass, "regression": _regression}
