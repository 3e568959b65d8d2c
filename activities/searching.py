"""A search on Ray: start or meet it, follow it, bring home the best parameters."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

from temporalio import activity

from activities.following import UNATTENDED_SECONDS, Ending, Following, to_the_end
from activities.mlflow_runs import MlflowRuns, OpenRun
from activities.ray_cluster import RayCluster
from activities.ray_tasks.job import Job, Progress
from activities.work import in_thread
from perennial import tracing
from perennial.analysis import searching
from perennial.blobs import BlobStore
from perennial.contracts.errors import (
    BadInput,
    ClusterUnavailable,
    RegistryUnavailable,
)
from perennial.contracts.search import Searched, SearchParameters, Trial
from perennial.contracts.store import RecordStore


class SearchActivities:
    """As a training, the search lives in Ray: a worker that dies leaves it running.

    Where its process in Ray dies too, the next one meets the trials that were kept as files.
    """

    def __init__(
        self, blobs: BlobStore, cluster: RayCluster, runs: MlflowRuns, store: RecordStore
    ) -> None:
        self._blobs = blobs
        self._cluster = cluster
        self._runs = runs
        self._store = store

    @activity.defn(name="search_parameters")
    async def search_parameters(self, input: SearchParameters) -> Searched:
        """Search, or go on following a search that an earlier attempt has started."""
        for params in searching.draw(input.plan, input.train.training.seed):
            _fit(input, params)
        run = await in_thread(_opened, self._runs, input)
        job = Job(
            input=input.train,
            search=input,
            blob_url=self._blobs.url,
            unattended_seconds=UNATTENDED_SECONDS,
            traceparent=tracing.traceparent(),
        )
        following = Following(self._cluster, self._store, job)

        async def end(status: Ending, *, gently: bool = False) -> None:
            """Say in MLflow that it has ended, if no training will follow in the same run."""
            await following.leave(gently)
            if status != "FINISHED":
                with contextlib.suppress(RegistryUnavailable):
                    await asyncio.to_thread(self._runs.close, run.id, status)

        return await to_the_end(self._found(following, job, run), end)

    async def _found(self, following: Following, job: Job, run: OpenRun) -> Searched:
        assert job.search is not None
        kept: set[int] = set()
        trials: tuple[Trial, ...] = ()

        async def take(progress: Progress) -> None:
            nonlocal trials
            trials = progress.trials or trials  # one that is busy tells of none
            await following.show(_view(progress, trials, job), progress.ended)
            await self._keep(job, run, trials, kept)

        await following.start()
        progress = await following.until_ended(take)
        if progress.failure is not None:
            await following.remove()
            raise progress.failure.as_error()
        if progress.phase != "done":  # so that the next attempt does not meet it
            await following.remove()
            raise ClusterUnavailable(
                f"the search's process in Ray is gone ({progress.note or progress.phase}); the "
                f"next one goes on from the trials that were kept"
            )
        return self._searched(job.search, trials)

    async def _keep(
        self, job: Job, run: OpenRun, trials: tuple[Trial, ...], kept: set[int]
    ) -> None:
        """Trials that are over, in MLflow; a server that is away is asked again later."""
        assert job.search is not None
        for trial in trials:
            if trial.state == "running" or trial.number in kept:
                continue
            with contextlib.suppress(RegistryUnavailable):
                await in_thread(_kept_trial, self._runs, run, job, trial)
                kept.add(trial.number)

    def _searched(self, input: SearchParameters, trials: tuple[Trial, ...]) -> Searched:
        best = searching.best(trials, input.goal)
        if best is None:
            raise BadInput(_nothing(trials, input))
        listed = [trial.model_dump(mode="json") for trial in trials]
        states = [trial.state for trial in trials]
        return Searched(
            metric=input.metric,
            goal=input.goal,
            best=best,
            training=searching.applied(input.train.training, best.params),
            finished=states.count("finished"),
            stopped=states.count("stopped"),
            failed=states.count("failed"),
            seconds=max(trial.spent for trial in trials),
            trials=self._blobs.put_bytes(json.dumps(listed).encode()),
        )


def _opened(runs: MlflowRuns, input: SearchParameters) -> OpenRun:
    return runs.open(input.train, params=False)


def _kept_trial(runs: MlflowRuns, run: OpenRun, job: Job, trial: Trial) -> None:
    assert job.search is not None
    runs.keep_trial(run, job.input, job.search.metric, trial)


def _fit(input: SearchParameters, params: dict[str, Any]) -> None:
    """Refuse a space before anything is tried in it."""
    try:
        searching.applied(input.train.training, params)
    except ValueError as error:
        raise BadInput(f"the search would try {params}, which is no training: {error}") from error


def _view(progress: Progress, trials: tuple[Trial, ...], job: Job) -> dict[str, object]:
    assert job.search is not None
    over = sum(trial.state != "running" for trial in trials)
    note = f"{over} of {job.search.plan.trials} trials"
    if (best := searching.best(trials, job.search.goal)) is not None:
        note += f", {job.search.metric} {best.score or 0:.4f} by trial {best.number}"
    return {"phase": progress.phase, "note": progress.note or note}


def _nothing(trials: tuple[Trial, ...], input: SearchParameters) -> str:
    if why := next((trial.note for trial in trials if trial.note), ""):
        return f"every trial of the search failed, such as: {why}"
    return (
        f"no trial of the search had a score within search.time ({input.plan.time}); give it more "
        f"time, or train on fewer rows"
    )
