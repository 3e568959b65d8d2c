"""A version trained again from its recorded inputs, to see whether it comes out the same."""

from __future__ import annotations

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import ApplicationError

from perennial.contracts import lifecycle, records, reproduction
from workflows.steps import options, train
from workflows.steps.ending import Ended
from workflows.steps.judged import Judged
from workflows.steps.reproduction import compare, find_inputs, measure_again


@workflow.defn(
    name=reproduction.REPRODUCTION_WORKFLOW, versioning_behavior=VersioningBehavior.PINNED
)
class ReproductionWorkflow(Judged):
    """Train and compare. It registers nothing and promotes nothing.

    So it is no child of its model's workflow and waits for no turn: a version of a model that is
    paused or retired can be trained again too.
    """

    @workflow.init
    def __init__(self, input: reproduction.ReproductionInput) -> None:
        super().__init__(input)
        self._input = input
        self._recorded = False

    @workflow.update(name=reproduction.REPRODUCE)
    async def reproduce(self, ask: reproduction.Reproduce) -> lifecycle.RunAccepted:
        """Answer whoever asked, once the run can be seen."""
        await workflow.wait_condition(lambda: self._recorded)
        return lifecycle.RunAccepted(run_id=ask.run_id, status="running")

    @reproduce.validator
    def _is_this_one(self, ask: reproduction.Reproduce) -> None:
        input = self._input
        if (ask.version, ask.tolerance) != (input.version, input.tolerance):
            raise ApplicationError(
                f"this key was used to train version {input.version} again within "
                f"{input.tolerance:g}; use another key for another request",
                type="KeyReused",
                non_retryable=True,
            )

    @workflow.run
    async def run(self, input: reproduction.ReproductionInput) -> lifecycle.RunResult:
        """Live, and keep how it ended."""
        await workflow.execute_local_activity(
            records.record_run,
            records.RecordRun(
                effect=self._run.effect("requested"),
                run_id=input.run_id,
                model=input.spec.model,
                kind=input.kind,
                spec_version=input.spec_version,
                actor=input.author,
                reason=input.reason,
                status="queued",
                overrides={"tolerance": input.tolerance},
                version=input.version,
                at=workflow.now(),
            ),
            **options.record(),
            summary="keep the run",
        )
        self._recorded = True
        return await self.to_its_end(self._life)

    async def _life(self) -> None:
        run, input = self._run, self._input
        assert input.version is not None  # the API starts no other
        version = await workflow.execute_local_activity(
            records.read_version,
            records.ReadVersion(model=input.spec.model, version=input.version),
            **options.record(),
            summary=f"version {input.version}",
        )
        await find_inputs(run, version)
        trained = await train(run, version.snapshot)
        evaluation = await measure_again(run, version, trained)
        reproduced = await compare(run, version, trained, evaluation, input.tolerance)
        raise Ended(reproduced.verdict, reproduced.reason)
