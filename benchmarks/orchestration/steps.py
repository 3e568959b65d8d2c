"""The workflow of ours that is measured. As all of ours it imports nothing but what it needs: the
sandbox loads this module for every run.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from benchmarks.orchestration.step import Step, no_op
    from workflows.steps import options

_PATIENCE = timedelta(minutes=10)


@workflow.defn
class Steps:
    """Steps one after the other, with the option profiles that our own workflows use."""

    @workflow.run
    async def run(self, steps: int, kind: str) -> int:
        """Returns how many were done."""
        done = 0
        for number in range(steps):
            if kind == "short":
                await workflow.execute_local_activity(
                    no_op, Step(number=number), **options.record(), summary="no-op"
                )
            else:
                await workflow.execute_activity(
                    no_op, Step(number=number), **options.decision(_PATIENCE), summary="no-op"
                )
            done += 1
        return done
