"""One trial of a search, as Ray Tune runs it in a process of its own."""

from __future__ import annotations

import time
from typing import Any

import ray
from ray import tune

from activities.modelling.data.snapshots import read_rows
from activities.modelling.projects import load_project
from activities.modelling.training.trying import try_out
from activities.ray_tasks.job import NAMESPACE, Job
from activities.training_key import key_of
from activities.trial_files import TrialFiles
from perennial.analysis import searching
from perennial.blobs import BlobStore
from perennial.contracts.errors import PerennialError, Unavailable
from perennial.contracts.search import Trial
from perennial.quiet import quieten

_KEEP_SECONDS = 1.0


def run_trial(config: dict[str, Any]) -> None:
    """Try one set of parameters, or tell again what came of it.

    A process before this one may have kept some of its epochs: they are reported as they were, so
    that the scheduler decides as it did, and only what comes after them is news.

    Args:
        config: `job`, the JSON of a `Job`; `number`, of the trial; `began`, when the search did in
            seconds since 1970, without the time that nothing searched.
    """
    import torch

    quieten()
    job = Job.model_validate_json(config["job"])
    asked, search = job.input, job.search
    assert search is not None
    torch.set_num_threads(asked.training.cpus_per_worker)
    project = load_project(asked.project)
    files = TrialFiles(job.blob_url, asked.run_id, key_of(asked, project.source_digest))
    number = int(config["number"])
    params = searching.draw(search.plan, asked.training.seed)[number]
    before = files.find(number) or Trial(number=number, params=params)
    told = _Told(files, ray.get_actor(job.name, namespace=NAMESPACE), before, config["began"])
    if before.state in ("finished", "failed"):
        return
    try:
        training = searching.applied(asked.training, params)
        rows = BlobStore(job.blob_url).get(asked.snapshot.data)
        frame = read_rows(rows, project.features().columns)
        device = "cuda" if training.gpus_per_worker and torch.cuda.is_available() else "cpu"
        kept_epoch = try_out(
            frame, project, asked.task, training, search.metric, scored=told.scored, device=device
        )
    except Unavailable:
        raise  # says nothing of the parameters
    except (PerennialError, ValueError) as error:
        told.ended("failed", str(error))
    else:
        told.ended("finished", kept_epoch=kept_epoch)


class _Told:
    """The scores of a trial: kept, told to the search, and reported to the scheduler."""

    def __init__(self, files: TrialFiles, search: Any, before: Trial, began: float) -> None:
        self._files, self._search, self._began = files, search, began
        self._trial = before.model_copy(update={"scores": ()})
        self._known = len(before.scores)
        self._kept_at = time.monotonic()
        for score in before.scores:
            self._report(score)
        self._seen = 0
        if before.state == "failed":
            self._tell(before.state, before.note)

    def scored(self, score: float) -> None:
        """An epoch is over."""
        self._seen += 1
        if self._seen <= self._known:
            return  # reported already, before it was trained once more
        self._report(score)

    def ended(self, state: Any, note: str = "", kept_epoch: int | None = None) -> None:
        """It is over, and kept."""
        self._trial = self._trial.model_copy(update={"kept_epoch": kept_epoch})
        self._tell(state, note)
        self._files.keep(self._trial)

    def _report(self, score: float) -> None:
        self._trial = self._trial.model_copy(update={"scores": (*self._trial.scores, score)})
        self._tell(self._trial.state, self._trial.note)
        if time.monotonic() - self._kept_at >= _KEEP_SECONDS:
            self._kept_at = time.monotonic()
            self._files.keep(self._trial)
        tune.report({"score": score})

    def _tell(self, state: Any, note: str) -> None:
        spent = time.time() - self._began
        self._trial = self._trial.model_copy(update={"state": state, "note": note, "spent": spent})
        ray.get(self._search.trial_told.remote(self._trial.model_dump_json()))
