"""A whole life, from rows to a champion. Read it top to bottom; each line is a step."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import VersioningBehavior

from perennial.contracts.lifecycle import LIFECYCLE_WORKFLOW, RunInput, RunResult
from workflows.steps import (
    end_if_learnt,
    evaluate,
    export,
    profile_data,
    promote_through,
    register,
    search_parameters,
    snapshot_data,
    train,
    validate_data,
)
from workflows.steps.judged import Judged


@workflow.defn(name=LIFECYCLE_WORKFLOW, versioning_behavior=VersioningBehavior.PINNED)
class LifecycleWorkflow(Judged):
    """Make a candidate and take it as far as the policy and people let it go."""

    @workflow.init
    def __init__(self, input: RunInput) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: RunInput) -> RunResult:
        """Live, and keep how it ended."""
        return await self.to_its_end(self._life)

    async def _life(self) -> None:
        run = self._run
        snapshot = await snapshot_data(run)
        await end_if_learnt(run, snapshot)
        validation = await validate_data(run, snapshot)
        profile = await profile_data(run, snapshot)
        await search_parameters(run, snapshot)
        trained = await train(run, snapshot)
        evaluation = await evaluate(run, snapshot, trained)
        exported = await export(run, snapshot, trained)
        version = await register(run, snapshot, validation, profile, trained, evaluation, exported)
        await promote_through(self, version)
