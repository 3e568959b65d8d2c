"""MLflow as a notebook of runs: found by our run id, written in batches.

There is no fluent global state here: several activities of one process speak to different runs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from perennial.contracts.errors import RegistryUnavailable
from perennial.contracts.training import Epoch

# A server that is away must be noticed in seconds: Temporal does the patient retrying.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")

if TYPE_CHECKING:
    from mlflow import MlflowClient

RUN_TAG = "perennial.run_id"
_MOST_METRICS = 1000  # of one log_batch call, by MLflow's own limit

T = TypeVar("T")


class Tracking:
    """A client of one MLflow server. Every method blocks.

    Raises:
        RegistryUnavailable: from every method, when the server does not answer.
    """

    def __init__(self, client: MlflowClient, url: str) -> None:
        self.client = client
        self.url = url

    @classmethod
    def connect(cls, url: str) -> Tracking:
        """Without a call yet: the server may come later."""
        from mlflow import MlflowClient

        return cls(MlflowClient(tracking_uri=url, registry_uri=url), url)

    def call(self, do: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Call MLflow; a server that is away, or answers 5xx, is RegistryUnavailable."""
        from mlflow.exceptions import MlflowException

        try:
            return do(*args, **kwargs)
        except MlflowException as error:
            if error.get_http_status_code() < 500:
                raise
            raise self._away(error) from error
        except OSError as error:
            raise self._away(error) from error

    def run_of(self, run_id: str, model: str, tags: Mapping[str, str]) -> str:
        """The MLflow run of one of ours, made on the first call."""
        experiment = self._experiment(model)
        found = self.call(
            self.client.search_runs,
            [experiment],
            filter_string=f"tags.`{RUN_TAG}` = '{run_id}'",
            max_results=1,
        )
        if found:
            return str(found[0].info.run_id)
        made = self.call(
            self.client.create_run,
            experiment,
            run_name=run_id,
            tags={**tags, RUN_TAG: run_id},
        )
        return str(made.info.run_id)

    def log_epochs(self, mlflow_run: str, epochs: Iterable[Epoch]) -> None:
        """Loss and metrics by epoch. Logging an epoch again changes nothing that people see."""
        self.log_metrics(
            mlflow_run,
            (
                (name, value, epoch.epoch)
                for epoch in epochs
                for name, value in {"loss": epoch.loss, **epoch.metrics}.items()
            ),
        )

    def log_metrics(self, mlflow_run: str, metrics: Iterable[tuple[str, float, int]]) -> None:
        """(name, value, step) in as few calls as MLflow allows."""
        import time

        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        rows = [Metric(name, value, now, step) for name, value, step in metrics]
        for start in range(0, len(rows), _MOST_METRICS):
            self.call(
                self.client.log_batch, mlflow_run, metrics=rows[start : start + _MOST_METRICS]
            )

    def describe(
        self, mlflow_run: str, params: Mapping[str, object], tags: Mapping[str, str]
    ) -> None:
        """Parameters and tags; the same ones again are accepted."""
        from mlflow.entities import Param, RunTag

        self.call(
            self.client.log_batch,
            mlflow_run,
            params=[Param(name, str(value)[:6000]) for name, value in params.items()],
            tags=[RunTag(name, value[:5000]) for name, value in tags.items()],
        )

    def _experiment(self, model: str) -> str:
        from mlflow.exceptions import MlflowException

        found = self.call(self.client.get_experiment_by_name, model)
        if found is not None:
            return str(found.experiment_id)
        try:
            return str(self.call(self.client.create_experiment, model))
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            # two runs began at once and the other was first
            return str(self.call(self.client.get_experiment_by_name, model).experiment_id)

    def _away(self, error: Exception) -> RegistryUnavailable:
        first = str(error).strip().splitlines()[0][:200]
        return RegistryUnavailable(
            f"MLflow does not answer at {self.url}: {first}; see `make status`, "
            f"or set MLFLOW_TRACKING_URI"
        )
