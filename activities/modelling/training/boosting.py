"""LightGBM, trained round by round: told, stopped and kept between them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from activities.modelling.models.matrix import of_rows
from activities.modelling.models.preprocessing import Preprocessing
from activities.modelling.projects import Project
from activities.modelling.training.checkpoints import Checkpoints
from activities.modelling.training.loop import Stopped
from perennial.blobs import BlobStore
from perennial.contracts.base import BlobRef
from perennial.contracts.errors import ProjectInvalid, TrainingDiverged
from perennial.contracts.spec import Training
from perennial.contracts.training import Epoch

if TYPE_CHECKING:
    import lightgbm
    import pandas as pd
    from lightgbm.callback import CallbackEnv
    from numpy.typing import NDArray

_USUAL_ROUNDS = 100  # of LightGBM, where nobody says how many


class Forest:
    """The trees so far, as what a checkpoint can hold: LightGBM's own text."""

    def __init__(self) -> None:
        self.booster: lightgbm.Booster | None = None

    def state_dict(self) -> Mapping[str, Any]:
        """The trees."""
        return {"trees": "" if self.booster is None else self.booster.model_to_string()}

    def load_state_dict(self, state: Any) -> None:
        """Go on after these trees."""
        self.booster = read(state["trees"].encode())


def fit(
    model: lightgbm.LGBMModel,
    project: Project,
    training: Training,
    rows: NDArray[np.float32],
    truth: NDArray[np.generic],
    categories: int,
    *,
    ended: Callable[[Epoch], None],
    stopping: Callable[[], bool],
    checkpoints: Checkpoints | None = None,
) -> lightgbm.Booster:
    """Boost for `training.epochs` rounds, or those that a process before this one left.

    A training that goes on draws its random rows and columns anew: with bagging it ends with other
    trees than an undisturbed one.

    Args:
        model: as build() gave it.
        project: whose.
        training: the plan.
        rows: numbers, then the codes of the categories.
        truth: class numbers or values, by row.
        categories: how many of the last columns are codes.
        ended: told of every round.
        stopping: asked after every round.
        checkpoints: none are kept unless given.

    Raises:
        ProjectInvalid: the model and the plan contradict each other.
        TrainingDiverged: the loss is not a finite number.
    """
    _settle(model, project, training)
    forest, done = Forest(), list[Epoch]()
    kept = {"own:forest": forest}
    if checkpoints and (reached := checkpoints.resume(kept)):
        done = list(reached.epochs)
    left = training.epochs - len(done)
    if forest.booster is not None and left <= 0:
        return forest.booster
    since = time.monotonic()

    def told(env: CallbackEnv) -> None:
        nonlocal since
        figures = {name: float(value) for _, name, value, *_ in env.evaluation_result_list or ()}
        loss = next(iter(figures.values()), math.nan)
        epoch = len(done) + 1
        if not math.isfinite(loss):
            raise TrainingDiverged(
                f"LightGBM's metric became {loss} in round {epoch} of {training.epochs}; leave "
                f"its `metric` as it is, lower its learning_rate, or clip extreme values in load()"
            )
        now = time.monotonic()
        done.append(Epoch(epoch=epoch, loss=loss, metrics=figures, seconds=now - since))
        since = now
        ended(done[-1])
        if checkpoints:
            forest.booster = env.model  # type: ignore[assignment]
            checkpoints.passed(epoch, done, kept)
        if stopping():
            raise Stopped

    model.set_params(n_estimators=left)
    columns = rows.shape[1]
    with project.calling("fit"):
        model.fit(
            rows,
            truth,
            eval_X=(rows,),  # the same arrays, so that LightGBM bins them once
            eval_y=(truth,),
            categorical_feature=list(range(columns - categories, columns)),
            callbacks=[told],
            init_model=forest.booster,
        )
    return model.booster_


def _settle(model: lightgbm.LGBMModel, project: Project, training: Training) -> None:
    """The plan's rounds and seed; the same trees each time on so many threads."""
    rounds = model.get_params()["n_estimators"]
    if rounds not in (_USUAL_ROUNDS, training.epochs):
        raise ProjectInvalid(
            f"{project.name}: build() sets n_estimators to {rounds}, and the spec trains for "
            f"{training.epochs} epochs, which are LightGBM's rounds; set training.epochs alone"
        )
    known = model.get_params()
    model.set_params(
        deterministic=known.get("deterministic", True),
        force_row_wise=known.get("force_row_wise", True),
        verbosity=known.get("verbosity", -1),
    )


def keep(blobs: BlobStore, booster: lightgbm.Booster) -> BlobRef:
    """The trees as LightGBM's text, which holds numbers and nothing that could run."""
    return blobs.put_bytes(booster.model_to_string().encode())


def read(text: bytes) -> lightgbm.Booster:
    """The trees of such a text."""
    import lightgbm

    return lightgbm.Booster(model_str=text.decode())


def scores(
    booster: lightgbm.Booster, preprocessing: Preprocessing, frame: pd.DataFrame
) -> NDArray[np.float64]:
    """Probabilities `[rows, classes]` or predictions `[rows]` of raw rows, by LightGBM."""
    found = booster.predict(of_rows(frame, preprocessing, "codes"), num_threads=1)
    answer = np.asarray(found, dtype=np.float64)
    if preprocessing.task != "binary":
        return answer
    return np.column_stack([1 - answer, answer])
