"""Counts labels for a rollout or a guard, for as long as that lasts."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import ActivityError, is_cancelled_exception

from perennial.contracts import labelling
from perennial.contracts.spec import duration
from workflows.steps import options
from workflows.steps.ending import read_failure

_PATIENCE = timedelta(minutes=10)


@workflow.defn(
    name=labelling.LABELLING_WORKFLOW, versioning_behavior=VersioningBehavior.AUTO_UPGRADE
)
class LabellingWorkflow:
    """A workflow of its own, since it asks for as many activities as there are intervals.

    A watch may not do it: the log is read by the ML worker, whose places are few, and looks last
    for weeks. It ends with the rollout or the guard that has started it.
    """

    @workflow.run
    async def run(self, input: labelling.Labelling) -> None:
        """Count, and wait, until the one that wants it is over."""
        while True:
            try:
                await workflow.execute_activity(
                    labelling.count_labelled,
                    input.count,
                    **options.compute(_PATIENCE),
                    summary=f"since epoch {input.count.since_epoch}",
                )
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                workflow.logger.warning("labels not counted: %s", read_failure(error)[0])
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(input)
            await workflow.sleep(duration(input.every), summary="labels may have come")
