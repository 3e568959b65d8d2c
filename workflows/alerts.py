"""Alerts on their way: for ever, whoever raised them and whatever becomes of that workflow."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import VersioningBehavior

from perennial.contracts import alerts
from workflows.steps import options

_HOURS = 100


@workflow.defn(name=alerts.ALERTS_WORKFLOW, versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class AlertsWorkflow:
    """One for the platform; its schedule starts it again should it ever have ended.

    It looks at nothing itself: an activity does, each second, for an hour at a time, so that its
    history does not grow by each look.
    """

    @workflow.run
    async def run(self) -> None:
        """Have the outbox emptied."""
        for _ in range(_HOURS):
            await workflow.execute_activity(
                alerts.deliver_alerts,
                alerts.DeliverAlerts(),
                **options.watch(),
                summary="what is to be sent",
            )
        workflow.continue_as_new()
