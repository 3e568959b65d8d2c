"""A run as a member of a group: it is judged as any, and moves with the others or not at all."""

from __future__ import annotations

import asyncio
from itertools import count

from temporalio import workflow
from temporalio.exceptions import FailureError

from perennial.contracts import groups, ids
from perennial.contracts.records import Champions, VersionRecord
from workflows.steps.approval import Approvals
from workflows.steps.effects import shielded
from workflows.steps.ending import Ended
from workflows.steps.judging import Judgement, judge
from workflows.steps.run import Run
from workflows.steps.training import read_champions


class Together:
    """A run's word with its group."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._heard: groups.GroupSays | None = None

    def hear(self, says: groups.GroupSays) -> None:
        """Take the group's word."""
        self._heard = says

    async def join(self) -> None:
        """Say that it has begun. Raises Ended where the group is over."""
        if not await self._say("joined"):
            raise self._over()

    async def out(self, why: str) -> None:
        """Say that it will not move."""
        await self._say("out", why=why)

    async def settled(self, judged: Judgement) -> groups.GroupSays:
        """Say that it may move, and wait for the group's word.

        Who cancels it meanwhile asks the group to: it may be moving at this moment.
        """
        self._heard = None
        ready = {
            "expected_epoch": judged.champion.epoch,
            "decision_id": judged.decision.decision_id if judged.decision else "",
        }
        if not await self._say("ready", **ready):
            raise self._over()
        try:
            # a cancellation that came beside the answer to "ready" was swallowed by that
            await workflow.wait_condition(
                lambda: self._heard is not None or bool(self._run.cancelled_because)
            )
        except asyncio.CancelledError:
            await shielded(self._withdraw())
            if self._heard is None or self._heard.what != "moved":
                raise
        if self._heard is None:
            await shielded(self._withdraw())
            if self._heard is None or self._heard.what != "moved":
                self._run.stop_if_cancelled()
        heard = self._heard
        assert heard is not None
        if heard.what == "off":
            raise Ended("cancelled", f"group {self._run.input.group} is off: {heard.why}")
        return heard

    async def _withdraw(self) -> None:
        if self._heard is None and await self._say("out", why="it was cancelled"):
            await workflow.wait_condition(lambda: self._heard is not None)

    async def _say(self, what: str, **more: object) -> bool:
        run = self._run
        said = {"model": run.model, "run_id": run.id, "what": what, **more}
        group = workflow.get_external_workflow_handle(ids.group_workflow(run.input.group))
        try:
            await group.signal(groups.MEMBER_SAYS, groups.MemberSays.model_validate(said))
        except FailureError:
            return False
        return True

    def _over(self) -> Ended:
        return Ended("cancelled", f"group {self._run.input.group} is over already")


def misfit(run: Run, version: VersionRecord, champions: Champions) -> str:
    """Why a version cannot move with others; empty where it can."""
    spec, environment = run.spec, run.input.up_to
    if environment is None or environment not in spec.environments:
        return f"{environment!r} is not one of {run.model}'s environments"
    for before in spec.environments[: spec.environments.index(environment)]:
        if champions.in_(before).version != version.version:
            return (
                f"version {version.version} of {run.model} is not champion of {before}, which "
                f"comes before {environment}; promote it there first"
            )
    if champions.in_(environment).version == version.version:
        return f"version {version.version} is champion of {environment} already; leave it out"
    if spec.rollout_in(environment) is not None:
        return (
            f"{run.model} has a rollout in {environment}, by shares of its own; a group moves at "
            f"one moment: take the rollout out of the spec for it, or promote it alone"
        )
    return ""


async def enter_together(
    run: Run, approvals: Approvals, together: Together, version: VersionRecord
) -> None:
    """Have it judged for the environment of its group, and moved when all others may be too.

    Raises:
        Ended: it may not enter, or the group is over.
    """
    await together.join()
    if why := misfit(run, version, await read_champions(run)):
        raise Ended("denied", why)
    environment, rounds = run.input.up_to, count(1)
    assert environment is not None  # it fits
    while True:
        judged = await judge(run, approvals, version, environment, rounds)
        version = judged.version
        async with run.during("promote", environment) as notes:
            await run.show(f"waits for the others of group {run.input.group}")
            says = await together.settled(judged)
            if says.what == "again":
                notes.say(f"judged again: {says.why}")
                continue
            epoch = judged.champion.epoch + 1
            notes.say(f"version {version.version} is champion, epoch {epoch}", epoch=epoch)
        run.reached = environment
        return
