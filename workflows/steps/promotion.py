"""Through the environments in order: judged, approved where asked, rolled out, then moved."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Literal, Protocol

from temporalio import workflow
from temporalio.exceptions import FailureError, is_cancelled_exception

from perennial.contracts import lifecycle, policy, records
from perennial.contracts.spec import Environment
from workflows.steps.approval import Approvals
from workflows.steps.effects import Effect, all_or_none
from workflows.steps.ending import Ended
from workflows.steps.judging import judge
from workflows.steps.rollout import RolledOut, roll_out
from workflows.steps.run import Run
from workflows.steps.together import Together, enter_together


class Host(Protocol):
    """What promotion needs of its workflow; `Judged` has it."""

    _run: Run
    _approvals: Approvals
    _together: Together

    async def ask_owner(self, wanted: lifecycle.ChampionWanted) -> lifecycle.ChampionAnswered:
        """Have the single writer move a champion."""

    async def take_back(self, unwanted: lifecycle.ChampionUnwanted) -> str:
        """Have the single writer take a move back."""

    def effects_in(
        self, environment: Environment, version: records.VersionRecord
    ) -> Sequence[Effect]:
        """What else becomes true when a version enters an environment."""


async def promote_through(host: Host, version: records.VersionRecord) -> None:
    """Take a version through the spec's environments, up to the last one wanted."""
    run = host._run
    run.version = version.version
    if run.input.group:
        await enter_together(run, host._approvals, host._together, version)
        return
    for environment in run.spec.environments:
        version = await _enter(host, version, environment)
        run.reached = environment
        if environment == run.input.up_to:
            return


async def _enter(
    host: Host, version: records.VersionRecord, environment: Environment
) -> records.VersionRecord:
    """Judge and move, and again if somebody else moved the champion in between."""
    run, rounds = host._run, count(1)
    while True:
        version, champion, decision = await judge(
            run, host._approvals, version, environment, rounds
        )
        if decision is None:
            return version
        rolled = await roll_out(run, version, environment, champion)
        while (moved := await _move(host, version, champion, decision, rolled)) == "held":
            rolled = await roll_out(run, version, environment, champion, rolled and rolled.result)
        if moved == "done":
            return version


async def _move(
    host: Host,
    version: records.VersionRecord,
    champion: records.Champion,
    decision: policy.Decision,
    rolled: RolledOut | None,
) -> Literal["done", "stale", "held"]:
    """Move the champion, with what belongs to it; not where it is another one by now."""
    run, environment = host._run, champion.environment
    async with run.during("promote", environment) as notes:
        move = _Move(
            host,
            lifecycle.ChampionWanted(
                reply_to=workflow.info().workflow_id,
                run_id=run.id,
                environment=environment,
                version=version.version,
                expected_epoch=champion.epoch,
                decision_id=decision.decision_id,
                actor=run.input.author,
                reason=run.input.reason or f"run {run.id}",
                guard=None if rolled is None else rolled.guard,
            ),
            back_to=champion.version,
        )
        try:
            await all_or_none(run, notes, [move.effect, *host.effects_in(environment, version)])
        except _Stale as stale:
            notes.say(f"judged again: {stale}")
            return "stale"
        except _Held as held:
            notes.say(f"watched on: {held}")
            return "held"
        notes.say(
            f"version {version.version} is champion, epoch {champion.epoch + 1}",
            epoch=champion.epoch + 1,
            **notes.detail,
        )
        return "done"


class _Held(Exception):
    """A pause holds the move, and the version has requests, so somebody has to watch it."""


class _Stale(Exception):
    """Somebody else moved the champion first."""


class _Move:
    """The champion's move, by the single writer, and how it is taken back."""

    def __init__(self, host: Host, wanted: lifecycle.ChampionWanted, back_to: int | None) -> None:
        self._host = host
        self._wanted = wanted
        self._back_to = back_to
        self._refused = False
        self.effect = Effect("champion", self._do, self._undo)

    async def _do(self) -> None:
        try:
            answer = await self._host.ask_owner(self._wanted)
        except FailureError as error:
            # nobody got the request, unless it was cancelled on its way
            self._refused = not is_cancelled_exception(error)
            raise
        if answer.champion is not None:
            return
        self._refused = True
        if answer.stale:
            raise _Stale(answer.refused)
        if answer.held:
            raise _Held(answer.refused)
        raise Ended("failed", f"{self._wanted.environment}: {answer.refused}", "Refused")

    async def _undo(self) -> str:
        if self._refused:
            return ""
        wanted = self._wanted
        return await self._host.take_back(
            lifecycle.ChampionUnwanted(
                reply_to=wanted.reply_to,
                run_id=wanted.run_id,
                environment=wanted.environment,
                expected_epoch=wanted.expected_epoch,
                back_to=self._back_to,
                actor=wanted.actor,
                reason=f"run {wanted.run_id} did not get through",
            )
        )
