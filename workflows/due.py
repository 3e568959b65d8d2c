"""The clock says that it is time to train a model again: the model hears of it, once."""

from __future__ import annotations

import hashlib

from temporalio import workflow
from temporalio.common import SearchAttributeKey, VersioningBehavior
from temporalio.exceptions import FailureError

from perennial.contracts import ids, schedules, triggers
from workflows.steps.run import MODEL

_SCHEDULED = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


@workflow.defn(name=schedules.DUE_WORKFLOW, versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class DueWorkflow:
    """Started by the model's schedule. The model's limits decide what becomes of it."""

    @workflow.run
    async def run(self, input: schedules.Due) -> str:
        """Make the wish of this time; returns what was done."""
        workflow.upsert_search_attributes([MODEL.value_set(input.model)])
        info = workflow.info()
        # the time that the schedule means, whenever it was that it came to it
        due = info.typed_search_attributes.get(_SCHEDULED) or info.start_time
        name = f"schedule/{due:%Y-%m-%dT%H:%M:%SZ}"
        wanted = triggers.RetrainWanted(
            request_id=name,
            actor="schedule",
            cause="schedule",
            # the rows of that time, whichever they are
            snapshot=hashlib.sha256(f"{input.model}/{name}".encode()).hexdigest(),
            at=workflow.now(),
            reason=f"due {due:%Y-%m-%d %H:%M}",
        )
        owner = workflow.get_external_workflow_handle(ids.model_workflow(input.model))
        try:
            await owner.signal(triggers.RETRAIN_WANTED, wanted)
        except FailureError:
            # retired, and its schedule is removed within a minute
            return f"{input.model} has no owner that could hear it"
        return f"{input.model} was told: {wanted.reason}"
