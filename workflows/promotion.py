"""The promotion of a version that exists: the second half of a life, on request."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import VersioningBehavior

from perennial.contracts import records
from perennial.contracts.lifecycle import PROMOTION_WORKFLOW, RunInput, RunResult
from workflows.steps import options, promote_through
from workflows.steps.judged import Judged


@workflow.defn(name=PROMOTION_WORKFLOW, versioning_behavior=VersioningBehavior.PINNED)
class PromotionWorkflow(Judged):
    """Take a version through the environments again, with the policy of today."""

    @workflow.init
    def __init__(self, input: RunInput) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: RunInput) -> RunResult:
        """Live, and keep how it ended."""
        return await self.to_its_end(self._life)

    async def _life(self) -> None:
        input = self._run.input
        assert input.version is not None  # the model's workflow starts no other
        version = await workflow.execute_local_activity(
            records.read_version,
            records.ReadVersion(model=input.spec.model, version=input.version),
            **options.record(),
            summary=f"version {input.version}",
        )
        await promote_through(self, version)
