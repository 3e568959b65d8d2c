"""Scaling: how far the data plane is spread over a Ray cluster."""

from __future__ import annotations

import asyncio
import time

from temporalio import activity

from activities.ray_cluster import RayCluster
from perennial.contracts.errors import ClusterUnavailable, Unavailable
from perennial.contracts.scaling import ScaleServing, ServingScale

_LOOK_SECONDS = 0.5
_LONGEST_SECONDS = 600.0


class ScalingActivities:
    """Sets the bounds in Ray Serve, and waits until as many replicas answer."""

    def __init__(self, cluster: RayCluster) -> None:
        self._cluster = cluster

    @activity.defn(name="scale_serving")
    async def scale_serving(self, input: ScaleServing) -> ServingScale:
        """Set the bounds, and return once as many run; those that go answer on what they have.

        Raises:
            BadInput: the cluster's nodes can never hold so many.
            NotFound: Ray Serve does not host the data plane there.
            Refused: somebody else set other bounds meanwhile.
            Unavailable: this worker shuts down; the next attempt goes on.
            ClusterUnavailable: Ray does not answer, or has no room for them now.
        """
        began = time.monotonic()
        scale = await self._cluster.set_bounds(input)
        shutdown = asyncio.ensure_future(activity.wait_for_worker_shutdown())
        try:
            while not input.min <= scale.running <= input.max:
                activity.heartbeat(scale)
                if time.monotonic() - began > _LONGEST_SECONDS:
                    raise ClusterUnavailable(_short(input, scale))
                await asyncio.wait({shutdown}, timeout=_LOOK_SECONDS)
                if shutdown.done():
                    raise Unavailable("this worker shuts down; the next attempt goes on waiting")
                scale = await self._cluster.scale_within(input)
        finally:
            shutdown.cancel()
        return scale


def _short(wanted: ScaleServing, scale: ServingScale) -> str:
    said = f" ({scale.note})" if scale.note else ""
    return (
        f"{scale.running} replicas answer after {_LONGEST_SECONDS / 60:g} minutes, {wanted.min} to "
        f"{wanted.max} are wanted, {scale.starting} start{said}; each takes {scale.cpus:g} CPUs, "
        f"and the nodes hold {scale.room} with nothing else on them: see what else runs there, or "
        f"the logs of Ray Serve"
    )
