"""Which build a worker is, for Temporal's worker versioning."""

from __future__ import annotations

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

from perennial.contracts import queues

DEPLOYMENT = "perennial"


def deployment(queue: str, build_id: str) -> WorkerDeploymentConfig | None:
    """What a worker that runs workflows says of itself; nothing without a build id.

    Workers with workflows of your own are a deployment of their own, named like their queue, since
    they are built and replaced at times of their own. Their workflows are runs, and so pinned
    unless they say otherwise. Workers that only run activities have no build: what an activity is
    given and gives back is a contract, which old and new code understand (docs/adr/0006).
    """
    if not build_id:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(DEPLOYMENT if queue == queues.CONTROL else queue, build_id),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )
