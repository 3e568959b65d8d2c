"""Moves of champions, one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import FailureError, is_cancelled_exception

from perennial.contracts import ids, lifecycle, queues, records, rollout
from workflows.aliases import AliasKeeper
from workflows.steps import options
from workflows.steps.ending import read_failure
from workflows.steps.run import MODEL
from workflows.watchers import Watchers

Tell = Callable[[], Sequence[lifecycle.RunInput]]
"""The runs to be told of a move."""


class ChampionWriter:
    """The only code that moves a champion."""

    def __init__(self, model: str, aliases: AliasKeeper, watchers: Watchers) -> None:
        self._model = model
        self._aliases = aliases
        self._watchers = watchers
        self._wanted: list[lifecycle.ChampionWanted] = []
        self._unwanted: list[lifecycle.ChampionUnwanted] = []
        self._lock = asyncio.Lock()
        self._shown: dict[str, str] = {}

    def idle(self) -> bool:
        """Whether nothing waits to be moved."""
        return not (self._wanted or self._unwanted or self._lock.locked())

    def has_wanted(self) -> bool:
        """Whether a run waits for a move."""
        return bool(self._wanted)

    def next_wanted(self) -> lifecycle.ChampionWanted | None:
        """The move whose turn it is."""
        return self._wanted.pop(0) if self._wanted else None

    def has_watched(self) -> bool:
        """Whether a run waits for the move of a version that has requests already."""
        return any(wanted.guard is not None for wanted in self._wanted)

    async def hold_watched(self) -> None:
        """Send those runs back to watching: a pause holds the move, and nobody else would look."""
        watched = [wanted for wanted in self._wanted if wanted.guard is not None]
        for wanted in watched:
            self._wanted.remove(wanted)
            await self._answer(wanted, None, "a pause holds it", held=True)

    def want(self, wanted: lifecycle.ChampionWanted) -> None:
        """Queue a move."""
        self._wanted.append(wanted)

    def describe(self) -> str:
        """For the Temporal UI."""
        shown = ", ".join(f"{env}: {what}" for env, what in sorted(self._shown.items()))
        return f"champions moved here: {shown or 'none yet'}"

    async def serve(self, wanted: lifecycle.ChampionWanted, tell: Tell) -> bool:
        """Move for a run, and answer it. A stale epoch is an answer: the run judges again.

        Returns False while the platform is paused: the run's turn comes again.
        """
        move = records.MoveChampion(
            effect=ids.effect("champion", wanted.run_id, wanted.environment, wanted.expected_epoch),
            model=self._model,
            environment=wanted.environment,
            version=wanted.version,
            expected_epoch=wanted.expected_epoch,
            cause="promotion",
            actor=wanted.actor,
            reason=wanted.reason,
            run_id=wanted.run_id,
            decision_id=wanted.decision_id,
            at=workflow.now(),
        )
        champion, refused, kind = None, "", ""
        try:
            champion = await self._move(move, tell, but=wanted.run_id)
        except FailureError as error:
            # a local activity's failure comes as it was raised, not wrapped as an ActivityError
            if is_cancelled_exception(error):
                raise
            refused, kind = read_failure(error)
        if kind == "PlatformPaused":
            self._wanted.insert(0, wanted)
            return False
        if champion is not None and wanted.guard is not None:
            await self._arm(wanted.guard.model_copy(update={"epoch": champion.epoch}))
        await self._answer(wanted, champion, refused, stale=kind == "StaleEpoch")
        return True

    async def _answer(
        self,
        wanted: lifecycle.ChampionWanted,
        champion: records.Champion | None,
        refused: str,
        *,
        stale: bool = False,
        held: bool = False,
    ) -> None:
        try:
            await workflow.get_external_workflow_handle(wanted.reply_to).signal(
                lifecycle.CHAMPION_ANSWERED,
                lifecycle.ChampionAnswered(
                    environment=wanted.environment,
                    expected_epoch=wanted.expected_epoch,
                    champion=champion,
                    refused=refused,
                    stale=stale,
                    held=held,
                ),
            )
        except FailureError:
            # the run was cancelled or terminated while it waited; the move stands in the ledger
            workflow.logger.info("run %s was gone when its move was done", wanted.run_id)

    async def guard_back(self, wanted: lifecycle.RollbackWanted, tell: Tell) -> None:
        """Put the champion back that was found to be better; once, as its epoch says."""
        try:
            await self._move(
                records.MoveChampion(
                    effect=ids.effect(
                        "guard", wanted.run_id, wanted.environment, wanted.expected_epoch
                    ),
                    model=self._model,
                    environment=wanted.environment,
                    version=wanted.back_to,
                    expected_epoch=wanted.expected_epoch,
                    cause="rollback",
                    actor=wanted.actor,
                    reason=wanted.reason,
                    run_id=wanted.run_id,
                    at=workflow.now(),
                ),
                tell,
            )
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.info("not rolled back by the guard: %s", read_failure(error)[0])

    async def _arm(self, guard: rollout.GuardInput) -> None:
        try:
            await workflow.start_child_workflow(
                rollout.GUARD_WORKFLOW,
                guard,
                id=ids.guard_workflow(self._model, guard.environment, guard.epoch),
                task_queue=queues.CONTROL,
                parent_close_policy=workflow.ParentClosePolicy.ABANDON,
                static_summary=f"version {guard.version} of {self._model} in {guard.environment}",
                search_attributes=TypedSearchAttributes([SearchAttributePair(MODEL, self._model)]),
            )
        except FailureError as error:
            # it is armed already: the move is delivered again
            workflow.logger.info("not armed: %s", read_failure(error)[0])

    def unwant(self, unwanted: lifecycle.ChampionUnwanted) -> None:
        """Queue the taking back of a move; it is made also while the model is paused."""
        self._unwanted.append(unwanted)

    def has_unwanted(self) -> bool:
        """Whether a run takes a move back."""
        return bool(self._unwanted)

    async def undo_next(self, tell: Tell) -> None:
        """Take a move back, unless it was never made or somebody moved the champion since."""
        unwanted = self._unwanted.pop(0)
        what = await self._undo(unwanted, tell)
        try:
            await workflow.get_external_workflow_handle(unwanted.reply_to).signal(
                lifecycle.CHAMPION_UNDONE,
                lifecycle.ChampionUndone(
                    environment=unwanted.environment,
                    expected_epoch=unwanted.expected_epoch,
                    what=what,
                ),
            )
        except FailureError:
            workflow.logger.info("run %s was gone when its move was undone", unwanted.run_id)

    async def _undo(self, unwanted: lifecycle.ChampionUnwanted, tell: Tell) -> str:
        key = (unwanted.run_id, unwanted.environment, unwanted.expected_epoch)
        waiting = [w for w in self._wanted if (w.run_id, w.environment, w.expected_epoch) == key]
        if waiting:
            self._wanted.remove(waiting[0])
            return "not moved yet, and will not be"
        move = records.MoveChampion(
            effect=ids.effect("undo", *key),
            model=self._model,
            environment=unwanted.environment,
            version=unwanted.back_to,
            expected_epoch=unwanted.expected_epoch + 1,
            cause="compensation",
            actor=unwanted.actor,
            reason=unwanted.reason,
            run_id=unwanted.run_id,
            at=workflow.now(),
        )
        try:
            champion = await self._move(move, tell, but=unwanted.run_id)
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            return f"left as it is: {read_failure(error)[0]}"
        return f"moved back to version {champion.version or 'none'}, epoch {champion.epoch}"

    async def roll_back(self, ask: lifecycle.RollBack, effect: str, tell: Tell) -> records.Champion:
        """Put an earlier champion back."""
        back = await workflow.execute_local_activity(
            records.previous_champion,
            records.PreviousChampion(
                model=self._model, environment=ask.environment, to_version=ask.to_version
            ),
            **options.record(),
            summary=f"before it in {ask.environment}",
        )
        return await self._move(
            records.MoveChampion(
                effect=effect,
                model=self._model,
                environment=ask.environment,
                version=back.version,
                expected_epoch=back.epoch,
                cause="rollback",
                actor=ask.actor,
                reason=ask.reason,
                at=workflow.now(),
            ),
            tell,
        )

    async def withdraw_all(self, ask: lifecycle.Lever, effect: str) -> None:
        """Leave no champion in any environment; moves that wait are dropped with their runs."""
        self._wanted.clear()
        champions = await workflow.execute_local_activity(
            records.read_champions,
            records.ReadChampions(model=self._model),
            **options.record(),
            summary="champions",
        )
        for champion in champions.champions:
            if champion.version is not None:
                await self._move(
                    records.MoveChampion(
                        effect=ids.effect(effect, champion.environment),
                        model=self._model,
                        environment=champion.environment,
                        version=None,
                        expected_epoch=champion.epoch,
                        cause="retirement",
                        actor=ask.actor,
                        reason=ask.reason,
                        at=workflow.now(),
                    ),
                    lambda: (),
                )

    async def _move(
        self, move: records.MoveChampion, tell: Tell, but: str = ""
    ) -> records.Champion:
        async with self._lock:
            champion: records.Champion = await workflow.execute_local_activity(
                records.move_champion,
                move,
                **options.record(),
                summary=f"{move.environment} to version {move.version or 'none'}",
            )
        await self.was_moved(champion, tell, but)
        return champion

    async def was_moved(self, champion: records.Champion, tell: Tell, but: str) -> None:
        """Have MLflow's alias and the monitor follow, and tell runs other than the one that
        knows."""
        environment = champion.environment
        self._shown[environment] = f"version {champion.version} (epoch {champion.epoch})"
        self._aliases.follow(environment)
        await self._watchers.look(environment)
        for run in tell():
            if run.run_id != but:
                await self._tell(run, champion)

    async def _tell(self, run: lifecycle.RunInput, champion: records.Champion) -> None:
        """An open question about the old champion is out of date."""
        try:
            await workflow.get_external_workflow_handle(
                ids.run_workflow(self._model, run.run_id)
            ).signal(lifecycle.CHAMPION_MOVED, champion)
        except FailureError:
            workflow.logger.info("run %s ended before it heard of the move", run.run_id)
