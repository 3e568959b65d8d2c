"""Wishes to train the model again: kept, judged by its limits, and followed."""

from __future__ import annotations

from temporalio import workflow

from perennial.contracts import ids, lifecycle, triggers
from perennial.contracts.spec import ModelSpec
from workflows.inputs import lifecycle_input
from workflows.intake import Intake
from workflows.steps import options


class Retraining:
    """The one place where wishes land, whatever asks."""

    def __init__(self, model: str, intake: Intake) -> None:
        self._model = model
        self._intake = intake

    async def want(
        self, wanted: triggers.RetrainWanted, spec: ModelSpec, spec_version: int
    ) -> triggers.TriggerRecorded:
        """Keep a wish with what becomes of it, and take the run that follows, if one does.

        Raises:
            ApplicationError: the model's life has ended; nothing was kept.
        """
        trigger_id = ids.trigger_id(self._model, wanted.request_id)
        because = f"{wanted.cause}: {wanted.reason}" if wanted.reason else wanted.cause
        ask = lifecycle.StartRun(
            request_id=trigger_id,
            actor=wanted.actor,
            run_id=ids.run_id(self._model, trigger_id),
            reason=because,
            as_of=wanted.as_of,
        )
        input = lifecycle_input(spec, spec_version, ask, wished=True)

        async def judge(no_room: str) -> triggers.TriggerRecorded:
            recorded: triggers.TriggerRecorded = await workflow.execute_local_activity(
                triggers.record_trigger,
                triggers.RecordTrigger(
                    effect=ids.effect("trigger", trigger_id),
                    trigger_id=trigger_id,
                    model=self._model,
                    wanted=wanted,
                    limits=spec.retraining,
                    run_id=ask.run_id,
                    no_room=no_room,
                ),
                **options.record(),
                summary=f"train again because of {wanted.cause}?",
            )
            return recorded

        return await self._intake.wished(ask, input, judge, lambda found: found.run_id is not None)
