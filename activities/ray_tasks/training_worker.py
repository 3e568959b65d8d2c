"""One of several workers of a training: tells the job's actor how it goes."""

from __future__ import annotations

from typing import Any

import ray

from activities.checkpoint_files import Reached
from activities.modelling.training.loop import Stopped
from activities.ray_tasks import placement
from activities.ray_tasks.job import NAMESPACE, Failure, Job
from activities.ray_tasks.train_function import train
from perennial.contracts.errors import PerennialError
from perennial.contracts.training import Epoch
from perennial.quiet import quieten


def train_worker(config: dict[str, Any]) -> None:
    """The function that Ray Train runs on each worker.

    Args:
        config: `job`, the JSON of a `Job`.
    """
    quieten()
    job = Job.model_validate_json(config["job"])
    placement.remember(job.name)
    actor = ray.get_actor(job.name, namespace=NAMESPACE)
    try:
        made = train(job, _Told(actor), distributed=True)
    except PerennialError as error:
        ray.get(actor.worker_failed.remote(Failure.of(error).model_dump_json()))
        raise
    except Stopped:
        return  # every worker returns, so that Ray Train ends in good order
    if made is not None:
        ray.get(actor.worker_made.remote(made.model_dump_json()))


class _Told:
    """The job's actor, as the first worker sees it; the others never speak to it."""

    def __init__(self, actor: Any) -> None:
        self._actor = actor
        self._stop = False

    def ended(self, epoch: Epoch) -> None:
        self._stop = ray.get(self._actor.worker_ended_epoch.remote(epoch.model_dump_json()))

    def resumed(self, reached: Reached) -> None:
        ray.get(self._actor.worker_resumed.remote(reached.model_dump_json()))

    def noted(self, note: str) -> None:
        ray.get(self._actor.worker_noted.remote(note))

    def stopping(self) -> bool:
        return self._stop
