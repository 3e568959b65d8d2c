"""Ray, as activities see it: trainings that are started, watched, and ended by name."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from types import ModuleType
from typing import ParamSpec, TypeVar

from activities.ray_tasks.job import Job, Progress, Work, actor_name
from activities.work import loading
from perennial.contracts.errors import ClusterUnavailable
from perennial.contracts.scaling import ScaleServing, ServingScale

P = ParamSpec("P")
T = TypeVar("T")

_CONNECT_SECONDS = 3.0
_AGAIN_SECONDS = 2.0


class RayCluster:
    """Speaks to Ray through a process of its own, made when needed and again when it has ended."""

    def __init__(self, address: str) -> None:
        """Connect to nothing yet.

        Args:
            address: `host:port` of the cluster's head, as in RAY_ADDRESS.
        """
        self._address = address
        self._link: ProcessPoolExecutor | None = None

    async def prepare(self) -> None:
        """Connect, and ask for a process for the first training; waits until Ray is there."""
        while True:
            try:
                await asyncio.to_thread(self._require_listener)
                await self._call(_far_end().join, self._address)
                return
            except ClusterUnavailable:
                await asyncio.sleep(_AGAIN_SECONDS)

    async def start(self, job: Job) -> None:
        """Start a job, or meet the one of that name which runs already.

        Raises:
            BadInput: the cluster is too small for it.
            ClusterUnavailable: Ray does not answer.
        """
        await asyncio.to_thread(self._require_listener)
        start, text = _far_end().start, job.model_dump_json()
        try:
            await self._asked(start, self._address, text)
        except BrokenProcessPool:
            # most likely it ended while nobody asked, with a cluster that is gone; only a start
            # connects to the cluster, and may be repeated
            await self._call(start, self._address, text)

    async def poll(self, job: Job, seen: int) -> Progress:
        """How far a job is, with the epochs after the first `seen`."""
        return Progress.model_validate_json(await self._call(_far_end().poll, job.name, seen))

    async def stop(self, job: Job) -> None:
        """Ask a job to end in good order."""
        await self._call(_far_end().stop, job.name)

    async def remove(self, run_id: str, work: Work = "train") -> None:
        """End a job of a run, whatever it does; returns once its resources are free."""
        # Ray's own client asks a cluster that is away for a minute before it says so
        await asyncio.to_thread(self._require_listener)
        await self._call(_far_end().remove, actor_name(run_id, work))

    async def trainings(self) -> list[str]:
        """The runs that have a training in the cluster. Raises ClusterUnavailable."""
        await asyncio.to_thread(self._require_listener)
        return await self._call(_far_end().trainings, self._address)

    async def set_bounds(self, wanted: ScaleServing) -> ServingScale:
        """Have Ray Serve keep so many replicas of the data plane from now on.

        Raises:
            BadInput: the cluster's nodes can never hold as many.
            NotFound: Ray Serve does not host the data plane there.
            ClusterUnavailable: Ray does not answer.
        """
        await asyncio.to_thread(self._require_listener)
        set_bounds, text = _serving_end().set_bounds, wanted.model_dump_json()
        try:
            told = await self._asked(set_bounds, self._address, text)
        except BrokenProcessPool:  # as in `start`
            told = await self._call(set_bounds, self._address, text)
        return ServingScale.model_validate_json(told)

    async def scale_within(self, wanted: ScaleServing) -> ServingScale:
        """How many replicas there are. Raises Refused where other bounds are set by now."""
        told = await self._call(
            _serving_end().scale_within, self._address, wanted.model_dump_json()
        )
        return ServingScale.model_validate_json(told)

    def close(self) -> None:
        """End the process that speaks to Ray; jobs go on."""
        link, self._link = self._link, None
        if link is not None:
            link.shutdown(wait=False, cancel_futures=True)

    async def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return await self._asked(function, *args, **kwargs)
        except BrokenProcessPool as error:
            raise ClusterUnavailable(
                f"the connection to Ray at {self._address} was lost, as when the cluster restarts "
                f"or hangs; see `make status`, or RAY_ADDRESS"
            ) from error

    async def _asked(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._link is None:
            spawn = multiprocessing.get_context("spawn")
            self._link = ProcessPoolExecutor(1, spawn, _far_end().begin)
        link = self._link
        try:
            return await asyncio.wrap_future(link.submit(function, *args, **kwargs))
        except BrokenProcessPool:
            if self._link is link:
                self.close()
            raise

    def _require_listener(self) -> None:
        _far_end()
        host, _, port = self._address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
        except (OSError, ValueError) as error:
            raise ClusterUnavailable(
                f"Ray does not answer at {self._address}: {error}; start it with `make up`, or "
                f"set RAY_ADDRESS"
            ) from error


def _far_end() -> ModuleType:
    """Ray's own package takes half a second to load: not at a worker's start."""
    with loading():
        from activities import ray_link
    return ray_link


def _serving_end() -> ModuleType:
    with loading():
        from activities import ray_serving
    return ray_serving
