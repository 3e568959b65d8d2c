"""Training on Ray: start or meet the run's job, follow it, bring home what it made."""

from __future__ import annotations

import asyncio
import contextlib
import time
from datetime import UTC, datetime
from typing import Literal, get_args

from temporalio import activity

from activities.checkpoint_files import remove_files
from activities.mlflow_runs import MlflowRuns, OpenRun
from activities.ray_cluster import RayCluster
from activities.ray_tasks.job import Job, Progress, Work
from activities.work import in_thread
from perennial import tracing
from perennial.blobs import BlobStore
from perennial.contracts.errors import (
    ClusterUnavailable,
    PerennialError,
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

_LOOK_SECONDS = 0.25
_FIRST_LOOK_SECONDS, _LOOK_SHARE = 0.03, 0.2
"""A training of a second is looked at more often: waiting for a look must not be what it takes."""
_TELL_SECONDS = 0.5
_TOLD_AT_ONCE = 5
_LOG_SECONDS = 2.0
_STOP_SECONDS = 10.0
_UNATTENDED_SECONDS = 15 * 60.0
_EPOCHS_KEPT = 200

Ending = Literal["FINISHED", "FAILED", "KILLED"]
"""As MLflow calls it."""


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
        run = await in_thread(self._runs.open, input)
        job = Job(
            input=input,
            blob_url=self._blobs.url,
            unattended_seconds=_UNATTENDED_SECONDS,
            traceparent=tracing.traceparent(),
        )
        try:
            trained = await self._followed(job, run)
        except asyncio.CancelledError:
            if _is_wanted_no_more():
                await asyncio.shield(self._end(job, run, "KILLED", gently=True))
            raise
        except Unavailable:
            if _is_last_attempt():
                await self._end(job, run, "FAILED")
            raise  # else the job, and what it has kept, are left to the next attempt
        except Exception:
            await self._end(job, run, "FAILED")
            raise
        await self._end(job, run, "FINISHED")
        return trained

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

    async def _followed(self, job: Job, run: OpenRun) -> TrainedModel:
        await self._cluster.start(job)
        followed = _Followed(job, run, self._runs, self._store)
        shutdown = asyncio.ensure_future(activity.wait_for_worker_shutdown())
        began = time.monotonic()
        try:
            while True:
                progress = await self._cluster.poll(job, len(followed.epochs))
                await followed.take(progress)
                if progress.ended:
                    break
                pause = max(_FIRST_LOOK_SECONDS, _LOOK_SHARE * (time.monotonic() - began))
                await asyncio.wait({shutdown}, timeout=min(pause, _LOOK_SECONDS))
                if shutdown.done():
                    raise Unavailable(
                        "this worker shuts down; the training goes on in Ray, and the next "
                        "attempt follows it"
                    )
        finally:
            shutdown.cancel()
        if _goes_on(progress):
            # so that the next attempt does not meet it
            await self._cluster.remove(job.input.run_id)
        await followed.log()
        return _trained(progress, followed.epochs, run.id)

    async def _end(
        self,
        job: Job,
        run: OpenRun,
        status: Ending,
        *,
        gently: bool = False,
    ) -> None:
        """Take the job out of Ray, and its checkpoints away; say in MLflow how it ended.

        As far as each of them answers, and both at once: a short training takes no longer.
        """
        await asyncio.gather(self._leave(job, gently), self._close(run, status))

    async def _leave(self, job: Job, gently: bool) -> None:
        with contextlib.suppress(ClusterUnavailable):
            if gently:
                await self._cluster.stop(job)
                deadline = time.monotonic() + _STOP_SECONDS
                while time.monotonic() < deadline:
                    if (await self._cluster.poll(job, 0)).ended:
                        break
                    await asyncio.sleep(_LOOK_SECONDS)
            await self._cluster.remove(job.input.run_id)
        with contextlib.suppress(OSError):
            await asyncio.to_thread(remove_files, job.blob_url, job.input.run_id)

    async def _close(self, run: OpenRun, status: Ending) -> None:
        with contextlib.suppress(RegistryUnavailable):
            await asyncio.to_thread(self._runs.close, run.id, status)


class _Followed:
    """What is known of a job so far, and whom it was told."""

    def __init__(self, job: Job, run: OpenRun, runs: MlflowRuns, store: RecordStore) -> None:
        self.epochs: list[Epoch] = []
        self._job, self._run, self._runs, self._store = job, run, runs, store
        self._logged = self._shown = 0
        self._logged_at = self._told_at = float("-inf")
        self._told: dict[str, object] = {}

    async def take(self, progress: Progress) -> None:
        """Heartbeat, show, and keep."""
        self.epochs.extend(progress.epochs)
        known = self._view(progress, self.epochs[-1:])
        activity.heartbeat(known)
        now = time.monotonic()
        if known != self._told and (now - self._told_at >= _TELL_SECONDS or progress.ended):
            self._told, self._told_at = known, now
            with contextlib.suppress(PerennialError):  # a view; the stage's end has it all
                await asyncio.to_thread(self._tell, progress)
        if now - self._logged_at >= _LOG_SECONDS:
            self._logged_at = now
            with contextlib.suppress(RegistryUnavailable):  # the last call is not so lenient
                await self.log()

    def _tell(self, progress: Progress) -> None:
        """Every epoch that is new, or the last few where they come faster than people read."""
        fresh = self.epochs[self._shown :][-_TOLD_AT_ONCE:]
        self._shown = len(self.epochs)
        for newest in [[epoch] for epoch in fresh] or [self.epochs[-1:]]:
            view = self._view(progress, newest)
            self._store.report_progress(self._job.input.run_id, "train", datetime.now(UTC), view)

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


def _is_last_attempt() -> bool:
    """Whether nobody will ask about the job after this attempt has failed."""
    info = activity.info()
    most = info.retry_policy.maximum_attempts if info.retry_policy else 0
    return 0 < most <= info.attempt


def _is_wanted_no_more() -> bool:
    """Whether a person or workflow cancelled, as against a worker that stops or a pause.

    An attempt that the server knows no more is none of these: it was given up for its silence, and
    the next one follows the same job. Where the run itself has ended, the job is swept.
    """
    details = activity.cancellation_details()
    return details is None or details.cancel_requested
