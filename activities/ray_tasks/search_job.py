"""The search of one run, as a detached actor of Ray that outlives the worker which started it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from activities.checkpoint_files import FOLDER
from activities.ray_tasks import ahead
from activities.ray_tasks.job import Failure, Job, Phase, Progress
from activities.training_key import key_of
from activities.trial_files import TrialFiles
from perennial.analysis import searching
from perennial.contracts.search import Trial
from perennial.contracts.spec import duration
from perennial.quiet import quieten

_LOOK_SECONDS = 1.0
_HOPELESS = 3
"""Trials that fail before any has a score: the others would fail alike."""
_TUNE = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # MLflow has the trials
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",  # one that failed has no score
    "RAY_AIR_NEW_OUTPUT": "0",
}


class SearchJob:
    """Drives Ray Tune in a thread of its own, while other threads answer questions.

    It asks for no CPU itself: the trials bring theirs, and wait for room each on its own.
    """

    def __init__(self, job: str) -> None:
        """Begin.

        Args:
            job: the JSON of a `Job` that has a search.
        """
        quieten()
        self._job = Job.model_validate_json(job)
        self._lock = threading.Lock()
        self._trials: dict[int, Trial] = {}
        self._phase: Phase = "starting"
        self._failure: Failure | None = None
        self._stop = threading.Event()
        self._asked = time.monotonic()
        for work in (self._run, self._end_if_forgotten):
            threading.Thread(target=work, daemon=True).start()

    def progress(self, seen: int) -> str:
        """The JSON of a `Progress`; it has all trials, whatever was seen."""
        self._asked = time.monotonic()
        with self._lock:
            return Progress(
                phase=self._phase,
                trials=tuple(self._trials[number] for number in sorted(self._trials)),
                failure=self._failure,
            ).model_dump_json()

    def stop(self) -> None:
        """Ask all trials to end at their next epoch."""
        self._stop.set()

    def trial_told(self, trial: str) -> None:
        """Told by a trial how far it is."""
        told = Trial.model_validate_json(trial)
        with self._lock:
            self._trials[told.number] = told
            self._phase = "training"

    def _run(self) -> None:
        phase: Phase = "failed"
        try:
            ahead.settle()
            self._search()
            phase = "stopped" if self._stop.is_set() else "done"
        except BaseException as error:
            with self._lock:
                self._failure = Failure.of(error)
        with self._lock:
            for number, trial in self._trials.items():
                if trial.state == "running":  # it would have said so, had it come to its end
                    self._trials[number] = trial.model_copy(update={"state": "stopped"})
            self._phase = phase

    def _search(self) -> None:
        os.environ |= _TUNE
        from ray import tune
        from ray.tune.schedulers import ASHAScheduler

        from activities.modelling.projects import digest_of

        job, asked, search = self._job, self._job.input, self._job.search
        assert search is not None
        key = key_of(asked, digest_of(asked.project))
        before = TrialFiles(job.blob_url, asked.run_id, key).all()
        with self._lock:
            self._trials = {trial.number: trial for trial in before}
        spent = max((trial.spent for trial in before), default=0.0)
        left = duration(search.plan.time).total_seconds() - spent
        drawn = searching.draw(search.plan, asked.training.seed)
        if left <= 0:
            return
        resources = {"cpu": float(asked.training.cpus_per_worker)}
        if asked.training.gpus_per_worker:
            resources["gpu"] = asked.training.gpus_per_worker
        tune.Tuner(
            tune.with_resources(_run_trial, resources),
            param_space={
                "number": tune.grid_search(list(range(len(drawn)))),
                "job": job.model_dump_json(),
                "began": time.time() - spent,
            },
            tune_config=tune.TuneConfig(
                metric="score",
                mode="max" if search.goal == "maximize" else "min",
                scheduler=ASHAScheduler(
                    max_t=asked.training.epochs,
                    grace_period=min(search.plan.grace_epochs, asked.training.epochs),
                    reduction_factor=search.plan.keep_one_in,
                    stop_last_trials=False,
                ),
                max_concurrent_trials=search.plan.at_once,
                time_budget_s=left,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                name="tune",
                storage_path=f"{job.blob_url}/{FOLDER}/{asked.run_id}",
                stop=_stopper(self._hopeless),
                verbose=0,
            ),
        ).fit()

    def _hopeless(self) -> bool:
        """Whether nothing more should be tried."""
        if self._stop.is_set():
            return True
        with self._lock:
            failed = sum(trial.state == "failed" for trial in self._trials.values())
            return failed >= _HOPELESS and not any(t.scores for t in self._trials.values())

    def _end_if_forgotten(self) -> None:
        """Free the resources when nobody has asked for long: the run was given up without us."""
        while time.monotonic() - self._asked < self._job.unattended_seconds:
            time.sleep(_LOOK_SECONDS)
        os._exit(1)


def _run_trial(config: dict[str, Any]) -> None:
    """Loads torch where it is needed, which is not in the search's own process."""
    ahead.settle()
    from activities.ray_tasks.trial import run_trial

    run_trial(config)


def _stopper(over: Callable[[], bool]) -> Any:
    from ray.tune import Stopper

    class Over(Stopper):  # type: ignore[misc]
        def __init__(self, over: Callable[[], bool]) -> None:
            self._over = over

        def __getstate__(self) -> dict[str, Any]:
            return {}  # Tune keeps its state in a file, from which we never go on

        def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
            return self._over()

        def stop_all(self) -> bool:
            return self._over()

    return Over(over)
