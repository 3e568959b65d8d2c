"""How a run is taken: recorded as asked for, and put where its arrival places it."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import workflow

from perennial.contracts import ids, lifecycle, records
from workflows.runs import RunQueue
from workflows.steps import options


class Intake:
    """The door through which all runs of a model come, whoever asks for them."""

    def __init__(
        self,
        model: str,
        runs: RunQueue,
        check: Callable[[], None],
        open_: Callable[[], bool],
    ) -> None:
        """Take runs of a model.

        Args:
            model: whose they are.
            runs: where they wait.
            check: refuses what may not be taken any more.
            open_: whether runs may start now.
        """
        self._model = model
        self._runs = runs
        self._check = check
        self._open = open_

    def check(self, input: lifecycle.RunInput) -> None:
        """Refuse a run that is not taken at present. Raises ApplicationError."""
        self._check()
        self._runs.check_room(input)

    async def promotion(
        self, ask: lifecycle.Promote, input: lifecycle.RunInput
    ) -> lifecycle.RunAccepted:
        """Take the promotion of a version, if it is there."""
        await workflow.execute_local_activity(
            records.read_version,
            records.ReadVersion(model=self._model, version=ask.version),
            **options.record(),
            summary=f"version {ask.version}",
        )
        return await self.accept(ask, input)

    async def accept(
        self, ask: lifecycle.StartRun | lifecycle.Promote, input: lifecycle.RunInput
    ) -> lifecycle.RunAccepted:
        """Record a run, and let it start or wait."""
        overrides = ask.model_dump(
            mode="json", include={"params", "epochs", "learning_rate"}, exclude_defaults=True
        )
        async with self._runs.arriving:
            self.check(input)  # others may have come since the validator looked
            waits = not (self._runs.idle() and self._open())
            await workflow.execute_local_activity(
                records.record_run,
                records.RecordRun(
                    effect=ids.effect("run", input.run_id, "requested"),
                    run_id=input.run_id,
                    model=self._model,
                    kind=input.kind,
                    spec_version=input.spec_version,
                    actor=ask.actor,
                    reason=input.reason,
                    hotfix=input.hotfix,
                    group=input.group or None,
                    status="queued",
                    overrides=overrides,
                    version=input.version,
                    at=workflow.now(),
                ),
                **options.record(),
                summary=f"run {input.run_id}",
            )
            arrival = self._runs.admit(input)
            ahead = self._runs.ahead(input.run_id)
        await self._runs.make_room(input, arrival)
        return lifecycle.RunAccepted(
            run_id=input.run_id, status="queued" if waits else "running", ahead=ahead
        )
