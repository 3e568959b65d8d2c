"""Training of what learns from a matrix, in the process of the training's job."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from activities.modelling.models import estimators
from activities.modelling.models.matrix import matrix
from activities.modelling.models.preprocessing import truth_of
from activities.modelling.projects import Project
from activities.modelling.training import boosting, kinds
from activities.modelling.training.checkpoints import Checkpoints
from activities.modelling.training.loop import Prepared
from perennial.blobs import BlobStore
from perennial.contracts.base import BlobRef
from perennial.contracts.errors import TrainingDiverged
from perennial.contracts.spec import Training
from perennial.contracts.training import Epoch, Kind, Parity, TrainModel

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

_LOSS_ROWS = 10_000


def train_table(
    made: Any,
    kind: Kind,
    asked: TrainModel,
    project: Project,
    prepared: Prepared,
    frame: pd.DataFrame,
    blobs: BlobStore,
    *,
    ended: Callable[[Epoch], None],
    stopping: Callable[[], bool],
    checkpoints: Checkpoints | None = None,
) -> tuple[BlobRef, Parity | None]:
    """Fit it and keep it.

    Args:
        made: what build() gave.
        kind: of it.
        asked: the training.
        project: whose.
        prepared: its rows.
        frame: the whole snapshot.
        blobs: where it is kept.
        ended: told of every round; once, of what has none.
        stopping: asked after every round.
        checkpoints: of boosting. An estimator has none: it starts anew.

    Returns:
        What stands for it from now on, and of an estimator how far that is from it.

    Raises:
        PerennialError: it and the plan or the rows contradict each other, or it has no ONNX form.
        Stopped: the caller said so.
    """
    fitted = fit_table(
        made,
        kind,
        asked.training,
        project,
        prepared,
        frame,
        ended=ended,
        stopping=stopping,
        checkpoints=checkpoints,
    )
    if kind == "boosting":
        return boosting.keep(blobs, fitted), None
    preprocessing = prepared.preprocessing
    held_out = frame.iloc[prepared.rows.test]
    width = matrix_of(prepared, kind).shape[1]
    return kinds.keep_estimator(blobs, fitted, width, project, preprocessing, asked.model, held_out)


def matrix_of(prepared: Prepared, kind: Kind) -> NDArray[np.float32]:
    """The training rows as what is no network learns from them."""
    return matrix(
        prepared.numbers.numpy(),
        prepared.codes.numpy(),
        prepared.preprocessing.shape.categories,
        estimators.ENCODINGS[kind],
    )


def fit_table(
    made: Any,
    kind: Kind,
    plan: Training,
    project: Project,
    prepared: Prepared,
    frame: pd.DataFrame,
    *,
    ended: Callable[[Epoch], None],
    stopping: Callable[[], bool],
    checkpoints: Checkpoints | None = None,
) -> Any:
    """Fit it: LightGBM's booster, or the estimator. Arguments and errors as of `train_table`."""
    preprocessing = prepared.preprocessing
    estimators.ready(made, project, preprocessing, plan)
    truth = truth_of(frame.iloc[prepared.rows.train][preprocessing.target], preprocessing.classes)
    estimators.all_classes(truth, preprocessing)
    categories = preprocessing.shape.categories
    rows = matrix_of(prepared, kind)
    if kind == "boosting":
        return boosting.fit(
            made,
            project,
            plan,
            rows,
            truth,
            len(categories),
            ended=ended,
            stopping=stopping,
            checkpoints=checkpoints,
        )
    since = time.monotonic()
    with project.calling("fit"):
        made.fit(rows, truth)
    some = slice(None, None, max(1, len(rows) // _LOSS_ROWS))
    loss = estimators.mean_loss(made, rows[some], truth[some])
    if not math.isfinite(loss):
        raise TrainingDiverged(
            f"the loss of {type(made).__name__} is {loss} after its fit; clip extreme values in "
            f"load(), or change its parameters in build()"
        )
    ended(Epoch(epoch=1, loss=loss, seconds=time.monotonic() - since))
    return made
