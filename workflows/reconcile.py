"""Every minute: what was not told, scheduled, asked again or ended, or was moved, is put right."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import ActivityError, FailureError

from perennial.contracts import ids, lifecycle, monitoring, platform, registry, schedules, training
from workflows.steps import options
from workflows.steps.ending import read_failure

_PATIENCE = timedelta(seconds=5)  # the next one comes soon


@workflow.defn(
    name=lifecycle.RECONCILE_WORKFLOW, versioning_behavior=VersioningBehavior.AUTO_UPGRADE
)
class ReconcileWorkflow:
    """Five short activities, whatever the number of models; more where something is amiss."""

    @workflow.run
    async def run(self) -> str:
        """One round; returns what was found."""
        await workflow.execute_activity(
            platform.tell_models,
            platform.TellModels(),
            **options.broadcast(),
            summary="tell who was not told",
        )
        kept = f"{await self._keep()}; {await self._watch()}"
        return f"{kept}; {await self._sweep()}; {await self._compare()}"

    async def _watch(self) -> str:
        """A monitor that somebody ended, or that failed, would be missed by nobody else."""
        try:
            kept = await workflow.execute_activity(
                monitoring.keep_monitors,
                monitoring.KeepMonitors(),
                **options.upkeep(),
                summary="all watched that is to be?",
            )
        except ActivityError as error:
            return f"monitors not looked at: {read_failure(error)[0]}"
        started = ", ".join(kept.started) or "none"
        return f"{kept.wanted} monitors, started: {started}, told of labels: {len(kept.woken)}"

    async def _keep(self) -> str:
        """Specs come and go by updates of models; their schedules follow within a minute. A wish
        that came once and had to wait is forgotten by whoever had it."""
        try:
            kept = await workflow.execute_activity(
                schedules.keep_schedules,
                schedules.KeepSchedules(),
                **options.upkeep(),
                summary="schedules as the specs say?",
            )
        except ActivityError as error:
            return f"schedules not looked at: {read_failure(error)[0]}"
        put_right = (*kept.made, *kept.changed, *kept.removed)
        again = ", ".join(kept.asked_again) or "none"
        return (
            f"{kept.wanted} schedules, put right: {', '.join(put_right) or 'none'}; "
            f"asked again: {again}"
        )

    async def _sweep(self) -> str:
        """A run that ended while its ML worker was dead could not end its training itself."""
        try:
            swept = await workflow.execute_activity(
                training.sweep_trainings,
                training.SweepTrainings(),
                **options.sweep(),
                summary="trainings that nobody wants any more?",
            )
        except ActivityError as error:
            return f"trainings not looked at: {read_failure(error)[0]}"
        return f"trainings ended: {', '.join(swept.run_ids) or 'none'}"

    async def _compare(self) -> str:
        try:
            found = await workflow.execute_activity(
                registry.find_moved_aliases,
                registry.FindMovedAliases(),
                **options.registry(_PATIENCE),
                summary="aliases moved by hand?",
            )
        except ActivityError as error:
            return f"not compared: {read_failure(error)[0]}"
        for moved in found.moved:
            await self._tell(moved)
        return f"{found.compared} models compared, {len(found.moved)} aliases moved by hand"

    async def _tell(self, moved: registry.AliasMoved) -> None:
        owner = workflow.get_external_workflow_handle(ids.model_workflow(moved.model))
        try:
            await owner.signal(lifecycle.ALIAS_MOVED, moved)
        except FailureError:
            await self._put_right(moved)

    async def _put_right(self, moved: registry.AliasMoved) -> None:
        """The owner's life has ended, with the model's or by an operator's hand."""
        await workflow.execute_local_activity(
            registry.record_alias_moved,
            registry.RecordAliasMoved(
                effect=ids.effect("alias", moved.model, moved.environment, str(workflow.uuid4())),
                moved=moved,
                action="restored",
                at=workflow.now(),
            ),
            **options.record(),
            summary=f"alias {moved.environment} of {moved.model} was moved by hand",
        )
        await workflow.execute_activity(
            registry.project_alias,
            registry.ProjectAlias(model=moved.model, environment=moved.environment),
            **options.registry(_PATIENCE),
            summary=f"alias {moved.environment} of {moved.model}",
        )
