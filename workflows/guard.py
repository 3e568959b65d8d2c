"""The guard of a champion: watches it after its rollout, and has it rolled back if it is worse."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import FailureError, is_cancelled_exception

from perennial.contracts import deployments, ids, lifecycle, policy, rollout
from perennial.contracts.serving import Serving
from workflows.steps import options
from workflows.steps.asking import decide
from workflows.steps.ending import read_failure
from workflows.steps.labelling import count_labels
from workflows.steps.run import ENVIRONMENT, STAGE

_ASK_AGAIN = timedelta(seconds=30)


@workflow.defn(name=rollout.GUARD_WORKFLOW, versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class GuardWorkflow:
    """Armed until its time is over, or the champion is another one."""

    @workflow.run
    async def run(self, input: rollout.GuardInput) -> rollout.Guarded:
        """Watch, and roll back."""
        workflow.upsert_search_attributes(
            [STAGE.value_set("guard"), ENVIRONMENT.value_set(input.environment)]
        )
        serving = await self._serving(input)
        if input.rolled is not None:
            await count_labels(
                input.plan,
                input.model,
                input.environment,
                input.rolled.since_epoch,
                input.rolled.since or workflow.now(),
            )
        guarded: rollout.Guarded = await workflow.execute_activity(
            rollout.watch_champion,
            input.model_copy(
                update={"since_epoch": serving.deployment.epoch if serving.deployment else 1}
            ),
            **options.watch(),
            summary=f"version {input.version} until {input.until:%Y-%m-%d %H:%M} UTC",
        )
        if guarded.outcome == "breach":
            await self._roll_back(input, guarded.reason)
            await self._decide(input, guarded)
        workflow.set_current_details(f"**{guarded.outcome}**: {guarded.reason}")
        return guarded

    async def _roll_back(self, input: rollout.GuardInput, reason: str) -> None:
        """Have the single writer move the champion; again, should it have been lost with that."""
        owner = workflow.get_external_workflow_handle(ids.model_workflow(input.model))
        while (await self._serving(input)).champion_epoch == input.epoch:
            try:
                await owner.signal(
                    lifecycle.ROLLBACK_WANTED,
                    lifecycle.RollbackWanted(
                        environment=input.environment,
                        expected_epoch=input.epoch,
                        back_to=input.back_to,
                        run_id=input.run_id,
                        reason=reason,
                    ),
                )
            except FailureError as error:
                if is_cancelled_exception(error):
                    raise
                workflow.logger.warning("the model's workflow is gone: %s", read_failure(error)[0])
            await workflow.sleep(1, summary="the model's workflow moves it")
            if (await self._serving(input)).champion_epoch == input.epoch:
                await workflow.sleep(_ASK_AGAIN, summary="it has not moved yet")

    async def _serving(self, input: rollout.GuardInput) -> Serving:
        return await workflow.execute_local_activity(
            deployments.read_serving,
            deployments.ReadServing(model=input.model, environment=input.environment),
            **options.record(),
            summary="what is served",
        )

    async def _decide(self, input: rollout.GuardInput, guarded: rollout.Guarded) -> None:
        """Keep what the policy says of it. It has been rolled back whatever that is."""
        question = policy.RolloutQuestion(
            phase="guard",
            model=input.model,
            risk_tier=input.risk_tier,
            environment=input.environment,
            version=input.version,
            run_id=input.run_id,
            author=input.author,
            champion=input.back_to,
            strategy=input.plan.strategy,
            step=len(input.plan.taken),
            steps=len(input.plan.taken),
            percent=100.0,
            next_percent=100.0,
            verdict="fail",
            assessments=guarded.assessments,
        )
        await decide(
            question,
            effect=ids.effect("run", input.run_id, "guard", input.environment, input.epoch),
            patience=_ASK_AGAIN,
            summary="what the policy says of it",
        )
