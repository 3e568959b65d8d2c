"""Labels beside a rollout or a guard: counted by a workflow that ends with it."""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import FailureError, is_cancelled_exception

from perennial.contracts import ids, labelling, queues
from perennial.contracts.rollout_plan import RolloutPlan
from perennial.contracts.spec import Environment
from workflows.steps.ending import read_failure
from workflows.steps.run import MODEL


async def count_labels(
    plan: RolloutPlan, model: str, environment: Environment, since_epoch: int, since: datetime
) -> None:
    """Have labels counted by variant for as long as this workflow lasts, if the plan judges them.

    Args:
        plan: of the rollout.
        model: whose labels they are.
        environment: where it is rolled out.
        since_epoch: of the deployment, at the rollout's first step.
        since: when that was.
    """
    limit = plan.guardrails.quality
    if limit is None:
        return
    this = workflow.info()
    count = labelling.CountLabelled(
        model=model,
        environment=environment,
        since_epoch=since_epoch,
        since=since,
        tolerance=limit.tolerance,
    )
    try:
        await workflow.start_child_workflow(
            labelling.LABELLING_WORKFLOW,
            labelling.Labelling(count=count, every=limit.every),
            id=ids.labelling_workflow(this.workflow_id, this.run_id),
            task_queue=queues.CONTROL,
            parent_close_policy=workflow.ParentClosePolicy.TERMINATE,
            static_summary=f"labels of {model} in {environment}",
            search_attributes=TypedSearchAttributes([SearchAttributePair(MODEL, model)]),
        )
    except FailureError as error:
        if is_cancelled_exception(error):
            raise
        workflow.logger.info("labels are counted already: %s", read_failure(error)[0])
