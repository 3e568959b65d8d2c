"""A lifecycle whose promotion has effects of its own, on a world that a test looks at."""

from __future__ import annotations

import asyncio
import contextlib

from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError

from perennial.contracts import records
from perennial.contracts.base import Contract
from perennial.contracts.lifecycle import RunInput, RunResult
from perennial.contracts.spec import Environment
from workflows.lifecycle import LifecycleWorkflow
from workflows.steps import Effect, options


class Change(Contract):
    """A row of the world."""

    run_id: str
    name: str


class World:
    """Rows that effects make and take back. What is to go wrong is said before."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, str]] = []
        self.undone: list[str] = []
        self.fails: set[str] = set()
        self.undo_fails_once: set[str] = set()
        self.hangs = ""
        self.hanging = asyncio.Event()

    @activity.defn(name="make_row")
    async def make_row(self, input: Change) -> None:
        """Write the row, and fail behind that if so planned: the work is done all the same."""
        row = (input.run_id, input.name)
        if row not in self.rows:
            self.rows.append(row)
        await self._maybe_hang(f"make {input.name}")
        if input.name in self.fails:
            raise ApplicationError(f"no room for {input.name}", non_retryable=True)

    @activity.defn(name="take_row")
    async def take_row(self, input: Change) -> None:
        """Take the row away if it is there."""
        await self._maybe_hang(f"take {input.name}")
        if input.name in self.undo_fails_once:
            self.undo_fails_once.remove(input.name)
            raise ApplicationError(f"{input.name} is stuck", non_retryable=True)
        with contextlib.suppress(ValueError):
            self.rows.remove((input.run_id, input.name))
        self.undone.append(input.name)

    async def _maybe_hang(self, where: str) -> None:
        while self.hangs == where:
            self.hanging.set()
            activity.heartbeat()
            await asyncio.sleep(0.05)


@workflow.defn(name="Worldly")
class Worldly(LifecycleWorkflow):
    """As many effects as the hyper-parameter `effects` says, called a, b, c and so on."""

    @workflow.init
    def __init__(self, input: RunInput) -> None:
        super().__init__(input)

    @workflow.run
    async def run(self, input: RunInput) -> RunResult:
        """Live, and keep how it ended."""
        return await self.to_its_end(self._life)

    def effects_in(self, environment: Environment, version: records.VersionRecord) -> list[Effect]:
        count = int(self._run.spec.training.params.get("effects", 0))
        return [self._effect(name) for name in "abcdefgh"[:count]]

    def _effect(self, name: str) -> Effect:
        change = Change(run_id=self._run.id, name=name)

        async def do() -> None:
            await workflow.execute_activity(
                "make_row", change, **options.effect(self._run.patience)
            )

        async def undo() -> str:
            await workflow.execute_activity("take_row", change, **options.undo())
            return "taken away"

        return Effect(name, do, undo)
