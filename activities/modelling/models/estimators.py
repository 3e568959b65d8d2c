"""scikit-learn's estimators and LightGBM's models: what they are asked, given and told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from activities.modelling.models.candidates import kind_of
from activities.modelling.models.matrix import Encoding, of_rows
from activities.modelling.models.preprocessing import Preprocessing
from activities.modelling.projects import Project
from perennial.authoring import ModelProject
from perennial.contracts.errors import DataInvalid, ProjectInvalid, SpecInvalid
from perennial.contracts.spec import Training
from perennial.contracts.training import Kind

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Matrix = NDArray[np.float32]
    Target = NDArray[np.generic]

ENCODINGS: dict[Kind, Encoding] = {"estimator": "indicators", "boosting": "codes"}


def ready(
    estimator: Any, project: Project, preprocessing: Preprocessing, training: Training
) -> None:
    """Check that it can do the task, and give it the plan's seed and CPUs where it names none.

    Raises:
        ProjectInvalid: it is of another task, or has a `train` that cannot be used.
        SpecInvalid: the plan is one for networks.
    """
    from sklearn.base import is_classifier, is_regressor

    task, name = preprocessing.task, type(estimator).__name__
    fitting = is_regressor(estimator) if task == "regression" else is_classifier(estimator)
    if not fitting:
        wanted = "a regressor" if task == "regression" else "a classifier"
        raise ProjectInvalid(
            f"{project.name}: build() returned {name}, and the spec's task {task} needs {wanted}"
        )
    if task != "regression" and not hasattr(estimator, "predict_proba"):
        raise ProjectInvalid(
            f"{project.name}: {name} gives no probabilities (predict_proba); wrap it in "
            f"CalibratedClassifierCV, or take another"
        )
    if type(project.own).train is not ModelProject.train:
        raise ProjectInvalid(
            f"{project.name}: train() is for networks, and build() returned {name}, which is "
            f"fitted by its own fit(); remove train()"
        )
    if training.workers > 1 or training.gpus_per_worker:
        raise SpecInvalid(
            f"{project.name}: {name} learns in one process without a GPU; set training.workers "
            f"to 1, training.gpus_per_worker to 0, and cpus_per_worker to what it may use"
        )
    known = estimator.get_params()
    seeds = [key for key in known if key.split("__")[-1] == "random_state" and known[key] is None]
    jobs = [key for key in known if key.split("__")[-1] == "n_jobs"]
    estimator.set_params(
        **dict.fromkeys(seeds, training.seed), **dict.fromkeys(jobs, training.cpus_per_worker)
    )


def all_classes(truth: Target, preprocessing: Preprocessing) -> None:
    """Raise DataInvalid where a class is held out altogether: no estimator can learn it."""
    absent = set(range(len(preprocessing.classes))) - set(truth.tolist())
    if absent:
        names = ", ".join(preprocessing.classes[each] for each in sorted(absent))
        raise DataInvalid(
            f"the classes {names} of {preprocessing.target} are in no training row, only in those "
            f"held out; take more rows, another training.split, or leave them out in load()"
        )


def scores(
    estimator: Any, preprocessing: Preprocessing, frame: pd.DataFrame
) -> NDArray[np.float64]:
    """Probabilities `[rows, classes]` or predictions `[rows]` of raw rows, by the estimator."""
    rows = of_rows(frame, preprocessing, ENCODINGS[kind_of(estimator)])
    if preprocessing.task == "regression":
        return np.asarray(estimator.predict(rows), dtype=np.float64).reshape(len(frame))
    return np.asarray(estimator.predict_proba(rows), dtype=np.float64)


def mean_loss(estimator: Any, rows: Matrix, truth: Target) -> float:
    """Cross-entropy, or squared error, as the networks' loss is."""
    if not hasattr(estimator, "predict_proba"):
        difference = np.asarray(estimator.predict(rows), dtype=np.float64) - truth.astype(
            np.float64
        )
        return float(np.mean(difference**2))
    likely = np.asarray(estimator.predict_proba(rows), dtype=np.float64)
    own = likely[np.arange(len(rows)), truth.astype(np.intp)]
    return float(-np.log(np.clip(own, 1e-15, 1)).mean())
