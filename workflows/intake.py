"""How a run is taken: recorded as asked for, and put where its arrival places it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio import workflow

from perennial.contracts import ids, lifecycle, records
from workflows.lanes import Arrival
from workflows.runs import RunQueue
from workflows.steps import options

Decided = TypeVar("Decided")


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
        async with self._runs.arriving:
            self.check(input)  # others may have come since the validator looked
            accepted, arrival = await self._admit(ask, input)
        await self._runs.make_room(input, arrival)
        return accepted

    async def wished(
        self,
        ask: lifecycle.StartRun,
        input: lifecycle.RunInput,
        decide: Callable[[str], Awaitable[Decided]],
        allows: Callable[[Decided], bool],
    ) -> Decided:
        """Record the run of a wish, if that is decided while nothing else arrives.

        Args:
            ask: the run.
            input: of it.
            decide: is told why there is no room for it, if there is none.
            allows: whether the run is to be taken, by what was decided.

        Raises:
            ApplicationError: nothing is taken any more; nothing was decided.
        """
        async with self._runs.arriving:
            self._check()
            no_room = self._runs.no_room(input)
            decided = await decide(no_room)
            if no_room or not allows(decided):
                return decided
            _, arrival = await self._admit(ask, input)
        await self._runs.make_room(input, arrival)
        return decided

    async def _admit(
        self, ask: lifecycle.StartRun | lifecycle.Promote, input: lifecycle.RunInput
    ) -> tuple[lifecycle.RunAccepted, Arrival[lifecycle.RunInput]]:
        overrides = ask.model_dump(
            mode="json", include={"params", "epochs", "learning_rate"}, exclude_defaults=True
        )
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
        accepted = lifecycle.RunAccepted(
            run_id=input.run_id,
            status="queued" if waits else "running",
            ahead=self._runs.ahead(input.run_id),
        )
        return accepted, arrival
