"""Placement groups of trainings with several workers, so that none outlives its job.

Ray Train removes its group when it ends in good order. Where its controller is killed, and Ray
runs without its dashboard, the group stays and holds its CPUs for ever (measured with Ray 2.60).
So each training's group is remembered in the cluster by the job's name.
"""

from __future__ import annotations

import ray
from ray.experimental import internal_kv
from ray.util.placement_group import PlacementGroup, remove_placement_group

_SPACE = b"perennial-placement"


def remember(job: str) -> None:
    """Called inside a worker: this job's workers run in the current group."""
    group = ray.util.get_current_placement_group()
    if group is not None:
        internal_kv._internal_kv_put(job.encode(), group.id.binary(), namespace=_SPACE)


def release(job: str) -> None:
    """Remove the group of a job that has ended, if it is still there."""
    found = internal_kv._internal_kv_get(job.encode(), namespace=_SPACE)
    if found is None:
        return
    remove_placement_group(PlacementGroup(ray.PlacementGroupID(found)))
    internal_kv._internal_kv_del(job.encode(), namespace=_SPACE)
