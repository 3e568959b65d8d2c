"""Training on Ray: start or meet the run's job, follow it, bring home what it made."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import get_args

from temporalio import activity

from activities.checkpoint_files import remove_files
from activities.following import UNATTENDED_SECONDS, Ending, Following, to_the_end
from activities.mlflow_runs import MlflowRuns, OpenRun
from activities.ray_cluster import RayCluster
from activities.ray_tasks.job import Job, Progress, Work
from activities.work import in_thread
from perennial import tracing
from perennial.blobs import BlobStore
from perennial.contracts.errors import (
    ClusterUnavailable,
    RegistryUnavailable,
    Unavailable,
)
from perennial.contracts.store import RecordStore
from perennial.contracts.training import (
    Epoch,
    SweepTrainings,
    Swept,
    TrainedModel,
    TrainModel,
)

_TOLD_AT_ONCE = 5
_LOG_SECONDS = 2.0
_EPOCHS_KEPT = 200


class TrainingActivities:
    """The job lives in Ray, not here: a worker that dies leaves it running for the next attempt."""

    def __init__(
        self, blobs: BlobStore, cluster: RayCluster, runs: MlflowRuns, store: RecordStore
    ) -> None:
        self._blobs = blobs
        self._cluster = cluster
        self._runs = runs
        self._store = store

    @activity.defn(name="train_model")
    async def train_model(self, input: TrainModel) -> TrainedModel:
        """Train, or go on following a training that was started by an earlier attempt."""
        job = Job(
            input=input,
            blob_url=self._blobs.url,
            unattended_seconds=UNATTENDED_SECONDS,
            traceparent=tracing.traceparent(),
        )
        following = Following(self._cluster, self._store, job)
        # while the job starts, which does not need it
        opening = asyncio.ensure_future(in_thread(self._runs.open, input))
        opening.add_done_callback(_heard)

        async def end(status: Ending, *, gently: bool = False) -> None:
            """As far as each of those concerned answers, all at once: it takes no longer."""
            await asyncio.gather(self._leave(following, job, gently), self._close(opening, status))

        try:
            return await to_the_end(self._followed(following, job, opening), end)
        finally:
            opening.cancel()  # nobody waits for it any more

    @activity.defn(name="sweep_trainings")
    async def sweep_trainings(self, input: SweepTrainings) -> Swept:
        """End the trainings of runs that have ended."""
        found = await self._cluster.trainings()
        ended = sorted(await asyncio.to_thread(self._store.finished_among, found))
        for run_id in ended:
            activity.heartbeat(run_id)
            for work in get_args(Work):
                await self._cluster.remove(run_id, work)
            with contextlib.suppress(OSError):
                await asyncio.to_thread(remove_files, self._blobs.url, run_id)
        return Swept(run_ids=tuple(ended))

    async def _followed(
        self, following: Following, job: Job, opening: asyncio.Future[OpenRun]
    ) -> TrainedModel:
        await following.start()
        run = await opening
        known = _Known(following, job, run, self._runs)
        progress = await following.until_ended(known.take, lambda: len(known.epochs))
        if _goes_on(progress):
            await following.remove()  # so that the next attempt does not meet it
        await known.log()
        return _trained(progress, known.epochs, run.id)

    async def _leave(self, following: Following, job: Job, gently: bool) -> None:
        await following.leave(gently)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(remove_files, job.blob_url, job.input.run_id)

    async def _close(self, opening: asyncio.Future[OpenRun], status: Ending) -> None:
        with contextlib.suppress(RegistryUnavailable):
            run = await opening
            await asyncio.to_thread(self._runs.close, run.id, status)


class _Known:
    """What is known of a training so far, and whom it was told."""

    def __init__(self, following: Following, job: Job, run: OpenRun, runs: MlflowRuns) -> None:
        self.epochs: list[Epoch] = []
        self._following, self._job, self._run, self._runs = following, job, run, runs
        self._logged = self._shown = 0
        self._logged_at = float("-inf")

    async def take(self, progress: Progress) -> None:
        """Show, and keep."""
        self.epochs.extend(progress.epochs)
        view = self._view(progress, self.epochs[-1:])
        showing = self._following.show(view, progress.ended, lambda: self._views(progress))
        now = time.monotonic()
        if progress.ended or now - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now
            await asyncio.gather(showing, self._log_leniently())
        else:
            await showing

    async def _log_leniently(self) -> None:
        """As `log`, which is called once more when the training is over."""
        with contextlib.suppress(RegistryUnavailable):
            await self.log()

    def _views(self, progress: Progress) -> list[dict[str, object]]:
        """Every epoch that is new, or the last few where they come faster than people read."""
        fresh = self.epochs[self._shown :][-_TOLD_AT_ONCE:]
        self._shown = len(self.epochs)
        return [
            self._view(progress, newest)
            for newest in [[epoch] for epoch in fresh] or [self.epochs[-1:]]
        ]

    async def log(self) -> None:
        """Bring MLflow up to date."""
        if self._logged < len(self.epochs):
            known = tuple(self.epochs)
            await in_thread(self._runs.log_epochs, self._run, known, self._logged)
            self._logged = len(known)

    def _view(self, progress: Progress, newest: list[Epoch]) -> dict[str, object]:
        view: dict[str, object] = {
            "phase": progress.phase,
            "epochs": self._job.input.training.epochs,
        }
        if progress.note:
            view["note"] = progress.note
        for epoch in newest:
            view |= epoch.model_dump(mode="json")
        return view


def _heard(opening: asyncio.Future[OpenRun]) -> None:
    """Where Ray does not answer either, its word is the one that is told."""
    if not opening.cancelled():
        opening.exception()


def _goes_on(progress: Progress) -> bool:
    """Whether another job should take over from one that has ended."""
    if progress.failure is not None:
        return isinstance(progress.failure.as_error(), Unavailable)
    return progress.phase in ("lost", "stopped")


def _trained(progress: Progress, epochs: list[Epoch], run: str) -> TrainedModel:
    if progress.phase == "lost":
        raise ClusterUnavailable(
            f"the training's process in Ray is gone ({progress.note}); the next one goes on from "
            f"the newest checkpoint. If it needs more memory than the node has, lower "
            f"training.batch_size or the data"
        )
    if progress.failure is not None:
        raise progress.failure.as_error()
    if progress.made is None:
        raise Unavailable("the training was stopped from elsewhere; it starts again")
    made = progress.made
    return TrainedModel(
        kind=made.kind,
        weights=made.weights,
        parity=made.parity,
        preprocessing=made.preprocessing,
        code=made.code,
        epochs=_thinned(epochs),
        train_rows=made.train_rows,
        test_rows=made.test_rows,
        seconds=made.seconds,
        device=made.device,
        kept_epoch=made.kept_epoch,
        mlflow_run_id=run,
    )


def _thinned(epochs: list[Epoch]) -> tuple[Epoch, ...]:
    """At most 200, the last among them: results travel through Temporal."""
    step = -(-len(epochs) // _EPOCHS_KEPT)
    return tuple(reversed(epochs[::-1][::step])) if step else ()
