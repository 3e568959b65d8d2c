"""The training of one run, as a detached actor of Ray that outlives the worker which started it."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from activities.checkpoint_files import FOLDER, Reached
from activities.ray_tasks import ahead
from activities.ray_tasks.job import Failure, Job, Made, Phase, Progress
from perennial import tracing
from perennial.contracts.errors import PerennialError
from perennial.contracts.training import Epoch
from perennial.loading import uncollected
from perennial.quiet import quieten

_LOOK_SECONDS = 1.0
_NO_WATCHER = {"RAY_TRAIN_ENABLE_PREEMPTION_WATCHER": "0"}
"""It warns code that asks for it of a node that goes. Ours does not: a process for nothing."""


class TrainingJob:
    """Trains in a thread of its own, while other threads of the actor answer questions.

    One worker trains here, in-process; several train in actors of Ray Train, which tell this one.
    """

    def __init__(self, job: str) -> None:
        """Begin.

        Args:
            job: the JSON of a `Job`.
        """
        quieten()
        self._job = Job.model_validate_json(job)
        self._lock = threading.Lock()
        self._epochs: list[Epoch] = []
        self._phase: Phase = "starting"
        self._note = self._origin = ""
        self._made: Made | None = None
        self._failure: Failure | None = None
        self._stop = threading.Event()
        self._asked = time.monotonic()
        for work in (self._run, self._end_if_forgotten):
            threading.Thread(target=work, daemon=True).start()

    def progress(self, seen: int) -> str:
        """The JSON of a `Progress` with the epochs after the first `seen`."""
        self._asked = time.monotonic()
        with self._lock:
            return Progress(
                phase=self._phase,
                epochs=tuple(self._epochs[seen:]),
                note=self._note,
                made=self._made,
                failure=self._failure,
            ).model_dump_json()

    def stop(self) -> None:
        """Ask the training to end at its next batch."""
        self._stop.set()

    def worker_ended_epoch(self, epoch: str) -> bool:
        """Told by the first of several workers. Returns whether to stop."""
        self.ended(Epoch.model_validate_json(epoch))
        return self.stopping()

    def worker_resumed(self, reached: str) -> None:
        """Told by the first of several workers."""
        self.resumed(Reached.model_validate_json(reached))

    def worker_noted(self, note: str) -> None:
        """Told by the first of several workers."""
        self.noted(note)

    def worker_made(self, made: str) -> None:
        """Told by the first of several workers when all is kept."""
        self._made = Made.model_validate_json(made)

    def worker_failed(self, failure: str) -> None:
        """Told by a worker; the first failure counts."""
        with self._lock:
            self._failure = self._failure or Failure.model_validate_json(failure)

    def failed(self, error: BaseException) -> None:
        """Keep why the training failed."""
        with self._lock:
            self._failure = self._failure or Failure.of(error)

    def ended(self, epoch: Epoch) -> None:
        """Keep how a pass over the rows ended."""
        with self._lock:
            self._phase = "training"
            self._epochs.append(epoch)

    def resumed(self, reached: Reached) -> None:
        """Count the epochs of processes before this one as done: they are not trained again."""
        with self._lock:
            self._phase = "training"
            self._epochs = list(reached.epochs)
            self._origin = self._note = f"resumed from epoch {reached.epoch}"

    def noted(self, note: str) -> None:
        """Say it until there is something else to say."""
        with self._lock:
            self._note = note or self._origin

    def stopping(self) -> bool:
        """Whether the training should end."""
        return self._stop.is_set()

    def _run(self) -> None:
        phase: Phase
        note = ""
        try:
            # loaded in this thread, so that the actor answers within a moment of its start
            ahead.settle()
            asked = self._job.input
            about = {"perennial.model": asked.model, "perennial.run_id": asked.run_id}
            with tracing.continued("perennial-training", "Train", self._job.traceparent, about):
                self._train()
            phase = "done" if self._made else "stopped"
        except PerennialError as error:
            phase = "failed"
            self.failed(error)
        except BaseException as error:
            if type(error).__name__ == "Stopped":
                phase = "stopped"
            elif self._failure is not None:
                phase = "failed"  # as a worker said before Ray Train raised
            elif self._job.input.training.workers > 1:
                phase, note = "lost", f"{type(error).__name__}: {error}"
            else:
                phase = "failed"
                self.failed(error)
        with self._lock:
            self._phase, self._note = phase, note or self._origin

    def _train(self) -> None:
        os.environ |= _NO_WATCHER
        with uncollected():
            from ray.train import RunConfig, ScalingConfig
            from ray.train.torch import TorchTrainer

        plan = self._job.input.training
        run = RunConfig(name=self._job.input.run_id, storage_path=f"{self._job.blob_url}/{FOLDER}")
        if plan.workers > 1:
            resources = {"CPU": float(plan.cpus_per_worker)}
            if plan.gpus_per_worker:
                resources["GPU"] = plan.gpus_per_worker
            TorchTrainer(
                _train_worker,
                train_loop_config={"job": self._job.model_dump_json()},
                scaling_config=ScalingConfig(
                    num_workers=plan.workers,
                    use_gpu=bool(plan.gpus_per_worker),
                    resources_per_worker=resources,
                ),
                run_config=run,
            ).fit()
            return

        def in_process() -> None:
            from activities.ray_tasks.train_function import train

            self._made = train(self._job, self)

        TorchTrainer(in_process, scaling_config=ScalingConfig(num_workers=0), run_config=run).fit()

    def _end_if_forgotten(self) -> None:
        """Free the resources when nobody has asked for long: the run was given up without us."""
        while time.monotonic() - self._asked < self._job.unattended_seconds:
            time.sleep(_LOOK_SECONDS)
        os._exit(1)


def _train_worker(config: dict[str, Any]) -> None:
    ahead.settle()
    from activities.ray_tasks.training_worker import train_worker

    train_worker(config)
