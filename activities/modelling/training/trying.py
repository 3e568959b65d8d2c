"""A trial: one set of parameters, trained and measured on two parts of the training rows."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from activities.modelling.data.split import split_rows
from activities.modelling.evidence import metrics
from activities.modelling.models import estimators
from activities.modelling.models.candidates import built, checked, kind_of, scores
from activities.modelling.models.preprocessing import truth_of
from activities.modelling.projects import Project
from activities.modelling.training import boosting
from activities.modelling.training.loop import Loop, prepare
from activities.modelling.training.table_training import fit_table
from perennial.contracts.errors import EvidenceInvalid
from perennial.contracts.spec import Task, Training
from perennial.contracts.training import Epoch


def try_out(
    frame: pd.DataFrame,
    project: Project,
    task: Task,
    training: Training,
    metric: str,
    *,
    scored: Callable[[float], None],
    device: str = "cpu",
) -> int | None:
    """Train, and tell the metric on rows that were not trained on: after each epoch of a network,
    at the end of what else learns.

    Args:
        frame: the whole snapshot. The rows that the candidate will be measured on are left out.
        project: whose.
        task: of it.
        training: the plan, with the trial's parameters.
        metric: its name.
        scored: told of each score.
        device: where a network computes.

    Returns:
        The epoch whose weights a training would keep; None where it is the last one.

    Raises:
        PerennialError: the parameters, the project or the rows do not go together.
    """
    features = project.features()
    known = frame.iloc[split_rows(frame, features, training.split, training.seed).train]
    # by another seed: by the same one, rows with a key would all be on the same side again
    inner = training.model_copy(update={"seed": training.seed + 1})
    prepared = prepare(known, project, task, inner)
    preprocessing = prepared.preprocessing
    validation = known.iloc[prepared.rows.test]
    truth = truth_of(validation[features.target], preprocessing.classes)
    made = built(project, preprocessing, training)

    def measured(answers: object) -> float:
        found = metrics.measure(task, truth, answers, project)  # type: ignore[arg-type]
        if metric not in found:
            raise EvidenceInvalid(
                f"there is no metric {metric!r} to search by; there are {', '.join(sorted(found))}"
            )
        return found[metric]

    if (kind := kind_of(made)) != "network":
        fitted = fit_table(
            made,
            kind,
            training,
            project,
            prepared,
            known,
            ended=lambda epoch: None,
            stopping=lambda: False,
        )
        of = boosting.scores if kind == "boosting" else estimators.scores
        scored(measured(of(fitted, preprocessing, validation)))
        return None
    network = checked(made, project, preprocessing).to(device)

    def ended(epoch: Epoch) -> None:
        was_training = network.training
        answers = scores(network, preprocessing, validation)
        network.train(was_training)
        scored(measured(answers))

    loop = Loop(
        network,
        prepared,
        task,
        training,
        ended=ended,
        stopping=lambda: False,
        device=device,
    )
    with project.calling("train"):
        project.own.train(loop)
    return loop.end()
