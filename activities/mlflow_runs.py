"""Runs in MLflow: one for each run of ours, found again by its tag."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

from activities.mlflow_server import MlflowServer
from perennial.contracts.search import Trial
from perennial.contracts.spec import Training
from perennial.contracts.training import Epoch, TrainModel

RUN_TAG = "perennial.run_id"
TRIAL_TAG = "perennial.trial"
_METRICS_AT_ONCE = 1000
_LONGEST_TAG = 5000


@dataclass(frozen=True)
class OpenRun:
    """A run in MLflow.

    Attributes:
        id: MLflow's.
        started_ms: when it was made, in milliseconds since 1970.
        epochs: those it had when it was opened. One that is trained again, since its process died
            before a checkpoint, takes another time, and would be there twice.
    """

    id: str
    started_ms: int
    epochs: frozenset[int] = frozenset()


class MlflowRuns:
    """The experiment of a model, and the runs in it. Every method blocks."""

    def __init__(self, server: MlflowServer) -> None:
        self._server = server

    def open(self, asked: TrainModel, *, params: bool = True) -> OpenRun:
        """The MLflow run of a training, made on the first call and found on a repeat.

        Args:
            asked: the training.
            params: whether its parameters are known; before a search they are not, and MLflow
                lets nobody change them.

        Raises:
            RegistryUnavailable: MLflow does not answer.
        """
        client = self._server.client
        with self._server.asked_to(f"open a run of {asked.model}"):
            experiment = self._experiment(asked.model)
            found = client.search_runs(
                [experiment], f"tags.`{RUN_TAG}` = '{asked.run_id}'", max_results=1
            )
            if found:
                info = found[0].info
                losses = client.get_metric_history(info.run_id, "loss")
                known = frozenset(figure.step for figure in losses)
                if params and not found[0].data.params:  # a search came first
                    self._log(info.run_id, params=_params(asked.training))
                return OpenRun(info.run_id, info.start_time, known)
            made = client.create_run(
                experiment,
                run_name=asked.run_id,
                tags={
                    RUN_TAG: asked.run_id,
                    "perennial.model": asked.model,
                    "perennial.project": asked.project,
                    "perennial.snapshot": asked.snapshot.digest,
                    "mlflow.user": asked.author,
                    "mlflow.source.name": asked.project,
                },
            )
            if params:
                self._log(made.info.run_id, params=_params(asked.training))
            return OpenRun(made.info.run_id, made.info.start_time)

    def log_epochs(self, run: OpenRun, epochs: Sequence[Epoch], known: int) -> None:
        """Loss and metrics of epochs, a thousand figures a request, an epoch's all in one.

        Args:
            run: of the training.
            epochs: all epochs so far.
            known: how many of them MLflow has. Having one twice changes nothing: its time follows
                from the run's start and the epochs before it.
        """
        from mlflow.entities import Metric

        ends = accumulate(epoch.seconds for epoch in epochs)
        figures: list[Any] = []
        with self._server.asked_to(f"keep the epochs of run {run.id}"):
            for epoch, end in list(zip(epochs, ends, strict=True))[known:]:
                if epoch.epoch in run.epochs:
                    continue
                at = run.started_ms + int(end * 1000)
                values = {"loss": epoch.loss, **epoch.metrics}
                if figures and len(figures) + len(values) > _METRICS_AT_ONCE:
                    self._log(run.id, metrics=figures)
                    figures = []
                figures += [Metric(name, value, at, epoch.epoch) for name, value in values.items()]
            if figures:
                self._log(run.id, metrics=figures)

    def keep_trial(self, parent: OpenRun, asked: TrainModel, metric: str, trial: Trial) -> None:
        """A trial that is over, as a run below that of its training; found again on a repeat."""
        from mlflow.entities import Metric, Param

        client, tag = self._server.client, f"{asked.run_id}/{trial.number}"
        with self._server.asked_to(f"keep trial {trial.number} of run {asked.run_id}"):
            experiment = self._experiment(asked.model)
            if client.search_runs([experiment], f"tags.`{TRIAL_TAG}` = '{tag}'", max_results=1):
                return
            made = client.create_run(
                experiment,
                run_name=f"trial {trial.number}",
                tags={
                    "mlflow.parentRunId": parent.id,
                    "perennial.model": asked.model,
                    "perennial.trial_state": trial.state,
                    "perennial.trial_note": trial.note[:_LONGEST_TAG],
                },
            ).info
            at = made.start_time
            self._log(
                made.run_id,
                params=[Param(name, str(value)) for name, value in trial.params.items()],
                metrics=[
                    Metric(metric, score, at, step + 1)
                    for step, score in enumerate(trial.scores[-_METRICS_AT_ONCE:])
                ],
            )
            # last: one that was cut short here is made again, and not taken for whole
            client.set_tag(made.run_id, TRIAL_TAG, tag)
            client.set_terminated(made.run_id, "FAILED" if trial.state == "failed" else "FINISHED")

    def describe(self, run: str, tags: Mapping[str, str], metrics: Mapping[str, float]) -> None:
        """Add tags and final metrics."""
        from mlflow.entities import Metric, RunTag

        now = time.time_ns() // 1_000_000
        with self._server.asked_to(f"describe run {run}"):
            self._log(
                run,
                tags=[RunTag(key, value[:_LONGEST_TAG]) for key, value in tags.items()],
                metrics=[Metric(name, value, now, 0) for name, value in metrics.items()],
            )

    def close(self, run: str, status: Literal["FINISHED", "FAILED", "KILLED"]) -> None:
        """Say that the training is over, and how."""
        with self._server.asked_to(f"close run {run}"):
            self._server.client.set_terminated(run, status)

    def _experiment(self, model: str) -> str:
        client = self._server.client
        found = client.get_experiment_by_name(model)
        if found is None:
            from mlflow.exceptions import MlflowException

            try:
                return str(client.create_experiment(model))
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise
                # another run of this model made it since we looked
                found = client.get_experiment_by_name(model)
        if found.lifecycle_stage == "deleted":
            client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def _log(self, run: str, **what: Any) -> None:
        self._server.client.log_batch(run, **what)


def _params(training: Training) -> list[Any]:
    from mlflow.entities import Param

    plain = training.model_dump(mode="json", exclude={"params", "split"})
    flat = {
        **plain,
        "split_by": training.split.by,
        "test_fraction": training.split.test_fraction,
        **training.params,
    }
    return [Param(key, str(value)) for key, value in flat.items()]
