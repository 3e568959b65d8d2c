"""The systems beside the API: whether each answers, and whether work waits in Temporal's queues."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest, DescribeTaskQueueResponse
from temporalio.service import RPCError

from api.context import Context
from api.health import readiness
from perennial.contracts import queues

_PATIENCE = timedelta(seconds=2)
_QUEUES = (
    (queues.CONTROL, "workflow", TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
    (queues.CONTROL, "activity", TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    (queues.ML, "activity", TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
)


async def beside(context: Context) -> list[Metric]:
    """Ask them all at once, each for a few seconds at most."""
    ready, backlogs = await asyncio.gather(
        readiness(context),
        asyncio.gather(*(_described(context, queue, kind) for queue, _, kind in _QUEUES)),
    )
    up = GaugeMetricFamily(
        "perennial_dependency_up", "1 where a system answers the API.", labels=("dependency",)
    )
    for dependency in ready.dependencies:
        up.add_metric((dependency.name,), int(dependency.ok))
    tasks = GaugeMetricFamily(
        "perennial_task_queue_backlog",
        "Tasks that wait for a worker.",
        labels=("queue", "kind"),
    )
    age = GaugeMetricFamily(
        "perennial_task_queue_backlog_age_seconds",
        "How long the oldest of them waits.",
        labels=("queue", "kind"),
    )
    for (queue, kind, _), found in zip(_QUEUES, backlogs, strict=True):
        if found is not None:
            tasks.add_metric((queue, kind), found.stats.approximate_backlog_count)
            waited = found.stats.approximate_backlog_age.ToTimedelta().total_seconds()
            age.add_metric((queue, kind), max(waited, 0.0))
    return [up, tasks, age]


async def _described(
    context: Context, queue: str, kind: TaskQueueType.ValueType
) -> DescribeTaskQueueResponse | None:
    """None where Temporal does not answer, which `perennial_dependency_up` says."""
    asked = DescribeTaskQueueRequest(
        namespace=context.temporal.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=kind,
        report_stats=True,
    )
    try:
        # the connection of a lazy client has no time limit of its own, and fails as RuntimeError
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            return await context.temporal.workflow_service.describe_task_queue(asked)
    except (RPCError, RuntimeError, TimeoutError):
        return None
