"""What is measured on rows whose truth is known: the task's own figures, and the project's."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from sklearn import metrics as sk

from activities.modelling.evidence.estimating import calibration_error
from activities.modelling.projects import Project
from perennial.contracts.base import Metrics
from perennial.contracts.errors import EvidenceInvalid, ProjectInvalid
from perennial.contracts.spec import MetricPlan, Task

if TYPE_CHECKING:
    from numpy.typing import NDArray


def measure(
    task: Task, truth: NDArray[np.generic], scores: NDArray[np.float64], project: Project
) -> Metrics:
    """Every figure of one model.

    binary: roc_auc, accuracy, precision, recall and f1 (of the second class, at probability 0.5),
    log_loss, brier, calibration_error.
    multiclass: accuracy, macro_precision, macro_recall, macro_f1, log_loss, calibration_error.
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
    if task == "binary" and len(set(truth.tolist())) < 2:
        raise EvidenceInvalid(
            f"all {len(truth):,} held-out rows are of one class, so roc_auc means nothing; raise "
            f"training.split.test_fraction, or split otherwise"
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


def measure_some(
    task: Task, truth: NDArray[np.generic], scores: NDArray[np.float64], project: Project
) -> tuple[Metrics, str]:
    """What can be measured of any rows: a figure that means nothing for these is left out.

    Args:
        task: what is predicted.
        truth: class numbers or values `[rows]`, of one row at least.
        scores: probabilities `[rows, classes]`, or predictions `[rows]`; all of them finite.
        project: adds figures of its own.

    Returns:
        Figures as `measure` gives them, and what the project's metrics() made of these rows where
        it has none for them; else the empty text.
    """
    found, problem = _OF_TASK[task](truth, scores), ""
    try:
        with project.calling("metrics"):
            own = project.own.metrics(truth, scores)
            found |= {name: float(value) for name, value in own.items()}
    except ProjectInvalid as error:  # it was written for held-out rows, which hold every class
        problem = error.message
    return {name: value for name, value in found.items() if math.isfinite(value)}, problem


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
    likely = scores[:, 1]
    guess = likely >= 0.5
    ranked = {}
    if len(set(truth.tolist())) == 2:
        ranked["roc_auc"] = float(sk.roc_auc_score(truth, likely))
    return ranked | {
        "accuracy": float(sk.accuracy_score(truth, guess)),
        **_found(truth, guess, "binary", ("precision", "recall", "f1")),
        "log_loss": float(sk.log_loss(truth, likely, labels=[0, 1])),
        "brier": float(np.mean((likely - truth.astype(np.float64)) ** 2)),
        "calibration_error": calibration_error(truth.astype(np.intp), scores),
    }


def _multiclass(truth: NDArray[np.generic], scores: NDArray[np.float64]) -> Metrics:
    guess = scores.argmax(axis=1)
    # float32 probabilities do not add up to 1 closely enough for the library's check
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    return {
        "accuracy": float(sk.accuracy_score(truth, guess)),
        **_found(truth, guess, "macro", ("macro_precision", "macro_recall", "macro_f1")),
        "log_loss": float(sk.log_loss(truth, probabilities, labels=range(scores.shape[1]))),
        "calibration_error": calibration_error(truth.astype(np.intp), scores),
    }


def _found(
    truth: NDArray[np.generic], guess: NDArray[np.generic], average: str, names: tuple[str, ...]
) -> Metrics:
    figures = sk.precision_recall_fscore_support(truth, guess, average=average, zero_division=0.0)
    return {name: float(value) for name, value in zip(names, figures[:3], strict=True)}


def _regression(truth: NDArray[np.generic], scores: NDArray[np.float64]) -> Metrics:
    return {
        "rmse": float(sk.root_mean_squared_error(truth, scores)),
        "mae": float(sk.mean_absolute_error(truth, scores)),
        "r2": float(sk.r2_score(truth, scores)),
    }


_OF_TASK = {"binary": _binary, "multiclass": _multiclass, "regression": _regression}
