"""Once a day: what was kept for long enough is removed."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import VersioningBehavior

from perennial.contracts import ids, retention
from workflows.steps import options

_PATIENCE = timedelta(hours=1)


@workflow.defn(
    name=retention.RETENTION_WORKFLOW, versioning_behavior=VersioningBehavior.AUTO_UPGRADE
)
class RetentionWorkflow:
    """One activity, whatever the number of models."""

    @workflow.run
    async def run(self) -> str:
        """One sweep; returns what it removed."""
        at = workflow.now()
        swept = await workflow.execute_activity(
            retention.sweep_old,
            retention.Sweep(effect=ids.effect("retention", at.isoformat()), at=at),
            **options.compute(_PATIENCE),
            summary="what was kept for long enough",
        )
        return (
            f"removed: profiles of {swept.windows:,} windows ({swept.bytes / 1e6:,.0f} MB), "
            f"{swept.labels:,} labels, {swept.deliveries:,} deliveries, "
            f"{swept.days:,} days of the log"
        )
