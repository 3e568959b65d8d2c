"""A job in Ray, followed by an activity: watched, shown, left to the next attempt, or ended."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, TypeVar

from temporalio import activity

from activities.ray_cluster import RayCluster
from activities.ray_tasks.job import Job, Progress
from perennial.contracts.errors import ClusterUnavailable, PerennialError, Unavailable
from perennial.contracts.store import RecordStore

UNATTENDED_SECONDS = 15 * 60.0
"""After which a job that no attempt asks about ends itself."""
Ending = Literal["FINISHED", "FAILED", "KILLED"]
"""As MLflow calls it."""
_T = TypeVar("_T")

_LOOK_SECONDS = 0.25
_FIRST_LOOK_SECONDS, _LOOK_SHARE = 0.03, 0.2
"""A job of a second is looked at more often: waiting for a look must not be what it takes."""
_TELL_SECONDS = 0.5
_STOP_SECONDS = 10.0
_CALLED = {"train": "training", "search": "search"}


class End(Protocol):
    """What is to be done about a job that goes on no more."""

    def __call__(self, status: Ending, *, gently: bool = False) -> Coroutine[Any, Any, None]:
        """Do it, as far as those concerned answer."""


async def to_the_end(work: Awaitable[_T], end: End) -> _T:
    """What follows a job, and what becomes of the job.

    Args:
        work: the following; its result.
        end: called where nobody will ask about the job again. Where a worker stops, Ray is away or
            an attempt was given up for its silence, the job and what it has kept are left to the
            next attempt; where the run itself has ended, jobs are swept.
    """
    try:
        done = await work
    except asyncio.CancelledError:
        if _is_wanted_no_more():
            await asyncio.shield(end("KILLED", gently=True))
        raise
    except Unavailable:
        if _is_last_attempt():
            await end("FAILED")
        raise
    except Exception:
        await end("FAILED")
        raise
    await end("FINISHED")
    return done


class Following:
    """One job."""

    def __init__(self, cluster: RayCluster, store: RecordStore, job: Job) -> None:
        self._cluster, self._store, self._job = cluster, store, job
        self._told: dict[str, object] = {}
        self._told_at = float("-inf")

    async def start(self) -> None:
        """Start the job, or meet it.

        Raises:
            BadInput: the cluster is too small for it.
            Unavailable: Ray does not answer.
        """
        await self._cluster.start(self._job)

    async def until_ended(
        self, take: Callable[[Progress], Awaitable[None]], seen: Callable[[], int] = lambda: 0
    ) -> Progress:
        """Look at a job that was started until it has ended.

        Args:
            take: told of each look.
            seen: how many epochs are known.

        Raises:
            Unavailable: this worker shuts down, or Ray does not answer.
        """
        shutdown = asyncio.ensure_future(activity.wait_for_worker_shutdown())
        began = time.monotonic()
        try:
            while True:
                progress = await self._cluster.poll(self._job, seen())
                await take(progress)
                if progress.ended:
                    return progress
                pause = max(_FIRST_LOOK_SECONDS, _LOOK_SHARE * (time.monotonic() - began))
                await asyncio.wait({shutdown}, timeout=min(pause, _LOOK_SECONDS))
                if shutdown.done():
                    raise Unavailable(
                        f"this worker shuts down; the {_CALLED[self._job.work]} goes on in Ray, "
                        f"and the next attempt follows it"
                    )
        finally:
            shutdown.cancel()

    async def show(
        self,
        view: dict[str, object],
        ended: bool,
        views: Callable[[], list[dict[str, object]]] | None = None,
    ) -> None:
        """Heartbeat; put on record what is new, twice a second at most.

        Args:
            view: what is known.
            ended: whether nothing will follow.
            views: what is put on record, where that is more than `view`.
        """
        activity.heartbeat(view)
        now = time.monotonic()
        if view == self._told or not (ended or now - self._told_at >= _TELL_SECONDS):
            return
        self._told, self._told_at = view, now
        with contextlib.suppress(PerennialError):  # a view; the stage's end has it all
            await asyncio.to_thread(self._report, views() if views else [view])

    async def remove(self) -> None:
        """Take the job out of Ray."""
        await self._cluster.remove(self._job.input.run_id, self._job.work)

    async def leave(self, gently: bool) -> None:
        """The same, as far as Ray answers.

        Args:
            gently: let it end by itself first, within seconds.
        """
        with contextlib.suppress(ClusterUnavailable):
            if gently:
                await self._cluster.stop(self._job)
                deadline = time.monotonic() + _STOP_SECONDS
                while time.monotonic() < deadline:
                    if (await self._cluster.poll(self._job, 0)).ended:
                        break
                    await asyncio.sleep(_LOOK_SECONDS)
            await self.remove()

    def _report(self, views: list[dict[str, object]]) -> None:
        job = self._job
        for view in views:
            self._store.report_progress(job.input.run_id, job.work, datetime.now(UTC), view)


def _is_last_attempt() -> bool:
    """Whether nobody will ask about the job after this attempt has failed."""
    info = activity.info()
    most = info.retry_policy.maximum_attempts if info.retry_policy else 0
    return 0 < most <= info.attempt


def _is_wanted_no_more() -> bool:
    """Whether a person or workflow cancelled, as against a worker that stops or a pause.

    An attempt that the server knows no more is none of these: it was given up for its silence, and
    the next one follows the same job.
    """
    details = activity.cancellation_details()
    return details is None or details.cancel_requested
