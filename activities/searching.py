"""A search on Ray: start or meet it, follow it, bring home the best parameters."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from datetime import UTC, datetime
from typing import Any

from temporalio import activity

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
    PerennialError,
    RegistryUnavailable,
    Unavailable,
)
from perennial.contracts.search import Searched, SearchParameters, Trial
from perennial.contracts.store import RecordStore

_LOOK_SECONDS = 0.25
_TELL_SECONDS = 0.5
_STOP_SECONDS = 10.0
_UNATTENDED_SECONDS = 15 * 60.0


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
            unattended_seconds=_UNATTENDED_SECONDS,
            traceparent=tracing.traceparent(),
        )
        try:
            trials = await self._followed(job, run)
            searched = self._searched(input, trials)
        except asyncio.CancelledError:
            details = activity.cancellation_details()
            if details is None or details.cancel_requested:
                await asyncio.shield(self._end(job, run, gently=True))
            raise
        except Unavailable:
            raise  # the search, and what it has kept, are left to the next attempt
        except Exception:
            await self._end(job, run)
            raise
        await self._cluster.remove(input.train.run_id, "search")
        return searched

    async def _followed(self, job: Job, run: OpenRun) -> tuple[Trial, ...]:
        await self._cluster.start(job)
        shutdown = asyncio.ensure_future(activity.wait_for_worker_shutdown())
        told: dict[str, Any] = {}
        kept: set[int] = set()
        trials: tuple[Trial, ...] = ()
        told_at = float("-inf")
        try:
            while True:
                progress = await self._cluster.poll(job, 0)
                if not progress.trials:  # it is busy, and what it said before still holds
                    progress = progress.model_copy(update={"trials": trials})
                trials = progress.trials
                view = _view(progress, job)
                activity.heartbeat(view)
                now = time.monotonic()
                if view != told and (now - told_at >= _TELL_SECONDS or progress.ended):
                    told, told_at = view, now
                    with contextlib.suppress(PerennialError):  # a view; the stage's end has it all
                        await asyncio.to_thread(
                            self._store.report_progress,
                            job.input.run_id,
                            "search",
                            datetime.now(UTC),
                            view,
                        )
                await self._keep(job, run, progress.trials, kept)
                if progress.ended:
                    break
                await asyncio.wait({shutdown}, timeout=_LOOK_SECONDS)
                if shutdown.done():
                    raise Unavailable(
                        "this worker shuts down; the search goes on in Ray, and the next attempt "
                        "follows it"
                    )
        finally:
            shutdown.cancel()
        if progress.failure is not None:
            await self._cluster.remove(job.input.run_id, "search")
            raise progress.failure.as_error()
        if progress.phase != "done":  # so that the next attempt does not meet it
            await self._cluster.remove(job.input.run_id, "search")
            raise ClusterUnavailable(
                f"the search's process in Ray is gone ({progress.note or progress.phase}); the "
                f"next one goes on from the trials that were kept"
            )
        return progress.trials

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

    async def _end(self, job: Job, run: OpenRun, *, gently: bool = False) -> None:
        """Take the search out of Ray, as far as Ray answers; say in MLflow that it has ended."""
        with contextlib.suppress(ClusterUnavailable):
            if gently:
                await self._cluster.stop(job)
                deadline = time.monotonic() + _STOP_SECONDS
                while time.monotonic() < deadline:
                    if (await self._cluster.poll(job, 0)).ended:
                        break
                    await asyncio.sleep(_LOOK_SECONDS)
            await self._cluster.remove(job.input.run_id, "search")
        with contextlib.suppress(RegistryUnavailable):
            await asyncio.to_thread(self._runs.close, run.id, "KILLED" if gently else "FAILED")


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


def _view(progress: Progress, job: Job) -> dict[str, Any]:
    assert job.search is not None
    trials = progress.trials
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
