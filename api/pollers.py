"""Whether anybody polls a task queue: a run that nobody takes up would stand still unnoticed."""

from __future__ import annotations

from datetime import timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client

from api.asking import WorkersUnavailable, answering
from perennial.contracts import queues
from perennial.contracts.lifecycle import ModelState

_PATIENCE = timedelta(seconds=5)


async def require_poller(client: Client, state: ModelState, key: str) -> None:
    """Refuse a run whose spec names a workflow of one's own that no worker is there for.

    Raises:
        WorkersUnavailable: nobody has polled its queue in the last minutes.
        TemporalUnavailable: there was no answer.
    """
    if state.spec is None or state.spec.lifecycle.task_queue == queues.CONTROL:
        return  # our own workers answer, or do not, when the model is asked
    plan = state.spec.lifecycle
    async with answering(client, key):
        found = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=client.namespace,
                task_queue=TaskQueue(name=plan.task_queue),
                task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
            ),
            timeout=_PATIENCE,
        )
    if not found.pollers:
        raise WorkersUnavailable(
            f"no worker polls the task queue {plan.task_queue!r}, which the spec of "
            f"{state.model!r} names for its workflow {plan.workflow!r}; start that worker, or "
            f"correct lifecycle.task_queue in the spec, and ask again",
            idempotency_key=key,
        )
