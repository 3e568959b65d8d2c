"""A group: every member is judged by its own run, and all champions move at once, or none does."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import FailureError, is_cancelled_exception

from perennial.contracts import groups, ids, lifecycle, records
from workflows.steps import options
from workflows.steps.ending import read_failure
from workflows.steps.run import ENVIRONMENT, STAGE

_PAUSED = ("PlatformPaused", "ModelPaused")


@workflow.defn(name=groups.GROUP_WORKFLOW, versioning_behavior=VersioningBehavior.PINNED)
class GroupWorkflow:
    """Gathers the members, and makes their moves in one transaction once each may move.

    What it says to a member counts: a run that is cancelled while the moves are made is promoted.
    """

    @workflow.init
    def __init__(self, input: groups.PromoteTogether) -> None:
        self._input = input
        self._said: dict[str, groups.MemberSays] = {}
        self._off = ""

    @workflow.run
    async def run(self, input: groups.PromoteTogether) -> groups.GroupResult:
        """Live through it."""
        workflow.upsert_search_attributes(
            [STAGE.value_set("group"), ENVIRONMENT.value_set(input.environment)]
        )
        try:
            moved = await self._together()
        except (FailureError, asyncio.CancelledError) as error:
            if not is_cancelled_exception(error):
                raise
            self._off = "it was cancelled in Temporal"
            await self._tell_off()
            raise
        if moved is None:
            await self._tell_off()
            return groups.GroupResult(outcome="off", reason=self._off)
        await self._tell_moved(moved.champions)
        versions = ", ".join(f"{each.model} {each.version}" for each in moved.champions)
        self._show(f"moved: {versions}")
        return groups.GroupResult(
            outcome="promoted",
            reason=f"champions of {input.environment} since one moment: {versions}",
            champions=moved.champions,
        )

    async def _together(self) -> groups.Moved | None:
        # each has begun before the next is asked for, and all groups ask in the same order: so two
        # that share models never wait for each other
        for member in sorted(self._input.members, key=lambda member: member.model):
            await self._want(member)
            await workflow.wait_condition(
                lambda model=member.model: model in self._said or bool(self._off)  # type: ignore[misc]
            )
        while True:
            await workflow.wait_condition(lambda: bool(self._off) or self._ready())
            if self._off:
                return None
            try:
                return await self._move()
            except FailureError as error:
                if is_cancelled_exception(error):
                    raise
                why, kind = read_failure(error)
                if kind in _PAUSED:
                    await self._lifted()
                elif kind == "StaleEpoch":
                    await self._judge_again(why)
                else:
                    self._off = why

    async def _want(self, member: groups.Member) -> None:
        if self._off:
            return
        input = self._input
        wanted = groups.MemberWanted(
            promote=lifecycle.Promote(
                request_id=ids.effect("group", input.group),
                actor=input.actor,
                run_id=ids.run_id(member.model, input.group),
                version=member.version,
                environment=input.environment,
                reason=input.reason or f"group {input.group}",
                group=input.group,
            )
        )
        try:
            await self._owner(member.model).signal(groups.MEMBER_WANTED, wanted)
        except FailureError:
            self._off = f"the workflow of {member.model} does not run; apply its spec and ask again"

    def _ready(self) -> bool:
        return all(
            (said := self._said.get(member.model)) is not None and said.what == "ready"
            for member in self._input.members
        )

    async def _move(self) -> groups.Moved:
        input = self._input
        versions = {member.model: member.version for member in input.members}
        moved: groups.Moved = await workflow.execute_local_activity(
            groups.move_together,
            groups.MoveTogether(
                moves=tuple(
                    records.MoveChampion(
                        effect=ids.effect("group", input.group, model, said.expected_epoch),
                        model=model,
                        environment=input.environment,
                        version=versions[model],
                        expected_epoch=said.expected_epoch,
                        cause="promotion",
                        actor=input.actor,
                        reason=input.reason or f"group {input.group}",
                        run_id=said.run_id,
                        decision_id=said.decision_id,
                        at=workflow.now(),
                    )
                    for model, said in sorted(self._said.items())
                )
            ),
            **options.record(),
            summary=f"{len(versions)} champions of {input.environment}",
        )
        return moved

    async def _lifted(self) -> None:
        """Wait for the end of a pause, or of the group."""
        self._show("held by a pause")
        waiting = workflow.start_activity(
            groups.wait_until_lifted,
            groups.WaitUntilLifted(
                models=tuple(sorted(self._said)), environment=self._input.environment
            ),
            **options.watch(),
            summary="is it lifted?",
        )
        await workflow.wait_condition(lambda: bool(self._off) or waiting.done())
        if not waiting.done():
            waiting.cancel()

    async def _judge_again(self, why: str) -> None:
        """Send back whose champion has moved since; the others stay as they are."""
        for model, said in sorted(self._said.items()):
            found = await workflow.execute_local_activity(
                records.read_champions,
                records.ReadChampions(model=model),
                **options.record(),
                summary=f"champions of {model}",
            )
            if found.in_(self._input.environment).epoch != said.expected_epoch:
                self._said[model] = said.model_copy(update={"what": "joined"})
                await self._tell(said, groups.GroupSays(what="again", why=why))

    async def _tell_off(self) -> None:
        self._show(f"off: {self._off}")
        for said in list(self._said.values()):
            await self._tell(said, groups.GroupSays(what="off", why=self._off))

    async def _tell_moved(self, champions: tuple[records.Champion, ...]) -> None:
        for champion in champions:
            said = self._said[champion.model]
            try:
                await self._owner(champion.model).signal(
                    groups.MOVED_TOGETHER,
                    groups.MovedTogether(champion=champion, run_id=said.run_id),
                )
            except FailureError:
                # MLflow's alias is put right by the look of every minute then
                workflow.logger.info("the workflow of %s was gone", champion.model)
            await self._tell(said, groups.GroupSays(what="moved", champion=champion))

    async def _tell(self, said: groups.MemberSays, says: groups.GroupSays) -> None:
        run = workflow.get_external_workflow_handle(ids.run_workflow(said.model, said.run_id))
        try:
            await run.signal(groups.GROUP_SAYS, says)
        except FailureError:
            workflow.logger.info("run %s was gone", said.run_id)

    def _owner(self, model: str) -> workflow.ExternalWorkflowHandle[object]:
        return workflow.get_external_workflow_handle(ids.model_workflow(model))

    def _show(self, now: str) -> None:
        versions = ", ".join(f"{each.model} {each.version}" for each in self._input.members)
        workflow.set_current_details(f"**{versions}** in {self._input.environment}: {now}")

    @workflow.signal(name=groups.MEMBER_SAYS)
    def member_says(self, says: groups.MemberSays) -> None:
        """A member has begun, may move, or will not."""
        if says.what == "out":
            self._off = self._off or f"{says.model} is out: {says.why}"
        else:
            self._said[says.model] = says


@workflow.defn(name=groups.GROUP_ROLLBACK_WORKFLOW, versioning_behavior=VersioningBehavior.PINNED)
class GroupRollbackWorkflow:
    """Puts back what was champion before a group moved, of all its models in one transaction."""

    @workflow.run
    async def run(self, input: groups.RollBackTogether) -> groups.Moved:
        """Move, and tell the models' workflows. Raises what the records refuse with."""
        moved: groups.Moved = await workflow.execute_local_activity(
            groups.roll_back_together,
            groups.PutBack(
                effect=ids.effect("group", input.group, "back", input.request_id),
                group=input.group,
                actor=input.actor,
                reason=input.reason or f"group {input.group} is put back",
                at=workflow.now(),
            ),
            **options.record(),
            summary=f"back to before group {input.group}",
        )
        for champion in moved.champions:
            owner = workflow.get_external_workflow_handle(ids.model_workflow(champion.model))
            try:
                await owner.signal(groups.MOVED_TOGETHER, groups.MovedTogether(champion=champion))
            except FailureError:
                workflow.logger.info("the workflow of %s was gone", champion.model)
        return moved
