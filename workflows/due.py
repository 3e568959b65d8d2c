"""The clock says that it is time to train a model again: the model hears of it, once.

Where the spec says so it hears of it only if there is something new to learn from.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey, VersioningBehavior
from temporalio.exceptions import ActivityError, FailureError, is_cancelled_exception

from perennial.contracts import alerts, arrivals, ids, schedules, triggers
from perennial.contracts.retraining import Cause
from workflows.steps import options
from workflows.steps.ending import read_failure
from workflows.steps.run import MODEL

_PATIENCE = timedelta(minutes=10)
_KIND, _KEY = "data", "source"
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
        cause: Cause = "schedule"
        reason, rows = f"due {due:%Y-%m-%d %H:%M}", f"schedule/{due:%Y-%m-%dT%H:%M:%SZ}"
        name = rows
        if input.new_rows is not None:
            try:
                found = await self._new_rows(input)
            except ActivityError as error:
                if is_cancelled_exception(error):
                    raise
                return await self._not_read(input, read_failure(error)[0])
            reason = f"{found.rows:,} new rows{f' since {found.since}' if found.since else ''}"
            if found.rows < input.new_rows:
                return f"{input.model}: {reason}, {input.new_rows:,} are enough"
            # asked again at each time, until they are learnt: of equal rows that is once
            cause, rows, name = "data", f"data/{found.newest}", f"data/{due:%Y-%m-%dT%H:%M:%SZ}"
        wanted = triggers.RetrainWanted(
            request_id=name,
            actor=schedules.ACTOR,
            cause=cause,
            # the rows of that time, whichever they are
            snapshot=hashlib.sha256(f"{input.model}/{rows}".encode()).hexdigest(),
            at=workflow.now(),
            reason=reason,
        )
        owner = workflow.get_external_workflow_handle(ids.model_workflow(input.model))
        try:
            await owner.signal(triggers.RETRAIN_WANTED, wanted)
        except FailureError:
            # retired, and its schedule is removed within a minute
            return f"{input.model} has no owner that could hear it"
        return f"{input.model} was told: {wanted.reason}"

    async def _new_rows(self, input: schedules.Due) -> arrivals.NewRows:
        assert input.source is not None
        found: arrivals.NewRows = await workflow.execute_activity(
            arrivals.find_new_rows,
            arrivals.FindNewRows(model=input.model, project=input.project, source=input.source),
            **options.compute(_PATIENCE),
            summary=f"rows above {input.source.watermark}?",
        )
        await workflow.execute_local_activity(
            alerts.close_alert,
            alerts.CloseAlert(
                model=input.model, kind=_KIND, key=_KEY, reason="it was read", at=workflow.now()
            ),
            **options.record(),
            summary="the source can be read",
        )
        return found

    async def _not_read(self, input: schedules.Due, why: str) -> str:
        """Nothing else would say that a model is not trained since nobody can look."""
        assert input.source is not None
        await workflow.execute_local_activity(
            alerts.raise_alert,
            alerts.RaiseAlert(
                effect=ids.effect("alert", "source", input.model, str(workflow.uuid4())),
                model=input.model,
                severity="high",
                kind=_KIND,
                key=_KEY,
                title=f"{input.model}: its source cannot be read for new rows",
                body=f"{why}\nIt is not trained again by them until it can; the next look is at "
                f"the next time of its schedule.",
                at=workflow.now(),
            ),
            **options.record(),
            summary="the source was not read",
        )
        return f"the source of {input.model} was not read: {why}"
