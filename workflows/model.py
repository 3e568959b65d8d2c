"""The one durable owner of a model: the single writer of its champions, for its whole life.

Runs are its children, one under way at a time. Everything that people ask of a model is an update
here; a repeated request (same id) gets the first one's answer, also after continue-as-new.
"""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.common import VersioningBehavior
from temporalio.exceptions import ApplicationError, FailureError, is_cancelled_exception

from perennial.contracts import groups, ids, lifecycle, platform, records, registry, triggers
from workflows.aliases import AliasKeeper
from workflows.champions import ChampionWriter
from workflows.inputs import lifecycle_input, promotion_input
from workflows.intake import Intake
from workflows.pauses import PlatformWatch
from workflows.requests import Requests
from workflows.retraining import Retraining
from workflows.runs import RunQueue
from workflows.steps import options
from workflows.steps.ending import read_failure
from workflows.steps.run import MODEL
from workflows.watchers import Watchers


@workflow.defn(name=lifecycle.MODEL_WORKFLOW, versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class ModelWorkflow:
    """Owner of one model. Its state passes through continue-as-new as one value."""

    @workflow.init
    def __init__(self, state: lifecycle.ModelState) -> None:
        self._name = state.model
        self._spec = state.spec
        self._spec_version = state.spec_version
        self._status = state.status
        self._requests = Requests(state.handled)
        self._runs = RunQueue(state.model, state.queue)
        self._aliases = AliasKeeper(state.model, state.unprojected)
        self._watchers = Watchers(state.model, lambda: self._spec)
        self._champions = ChampionWriter(state.model, self._aliases, self._watchers)
        self._platform = PlatformWatch()
        self._intake = Intake(state.model, self._runs, self._check_alive, self._open)
        self._retraining = Retraining(state.model, self._intake)

    @workflow.run
    async def run(self, state: lifecycle.ModelState) -> None:
        """Serve the model until it is retired."""
        workflow.upsert_search_attributes([MODEL.value_set(self._name)])
        projector = asyncio.create_task(self._aliases.project_for_ever())
        while self._status != "retired":
            await workflow.wait_condition(self._has_work)
            if self._champions.has_unwanted():
                await self._champions.undo_next(tell=self._runs.under_way)
            elif self._open():
                if wanted := self._champions.next_wanted():
                    await self._serve(wanted)
                elif self._runs.can_start():
                    await self._start_next()
            elif self._champions.has_watched():
                await self._champions.hold_watched()
            if self._may_continue_as_new():
                await workflow.wait_condition(workflow.all_handlers_finished)
                if self._may_continue_as_new():  # a handler may have started a run meanwhile
                    workflow.continue_as_new(self._snapshot())
            self._show()
        # the last runs record their ends, and MLflow's aliases go, before the owner does
        while not self._all_ended():
            await workflow.wait_condition(
                lambda: (
                    self._all_ended()
                    or self._champions.has_wanted()
                    or self._champions.has_unwanted()
                )
            )
            if self._champions.has_unwanted():
                await self._champions.undo_next(tell=self._runs.under_way)
            elif wanted := self._champions.next_wanted():  # too late, and the run is told so
                await self._serve(wanted)
        projector.cancel()

    def _open(self) -> bool:
        """Whether runs may start and promote: neither the model nor the platform is paused."""
        return self._status == "active" and not self._platform.paused

    def _has_work(self) -> bool:
        if self._status == "retired":
            return True
        return (
            self._champions.has_unwanted()
            or (self._open() and (self._champions.has_wanted() or self._runs.can_start()))
            or (not self._open() and self._champions.has_watched())
            or self._may_continue_as_new()
        )

    async def _serve(self, wanted: lifecycle.ChampionWanted) -> None:
        if not await self._champions.serve(wanted, tell=self._runs.under_way):
            await self._platform.look()

    async def _start_next(self) -> None:
        # a pause holds from the moment it is recorded, whether or not its signal has come
        await self._platform.look()
        if self._open() and self._runs.can_start():
            await self._runs.start_next()

    def _all_ended(self) -> bool:
        return (
            workflow.all_handlers_finished()
            and not self._runs.under_way()
            and self._champions.idle()
            and self._aliases.idle()
        )

    def _may_continue_as_new(self) -> bool:
        return (
            workflow.info().is_continue_as_new_suggested()
            and self._runs.idle()
            and self._champions.idle()
            and self._aliases.idle()
        )

    def _snapshot(self) -> lifecycle.ModelState:
        return lifecycle.ModelState(
            model=self._name,
            spec=self._spec,
            spec_version=self._spec_version,
            status=self._status,
            queue=self._runs.waiting(),
            handled=self._requests.handled(),
            unprojected=self._aliases.unprojected(),
        )

    def _show(self) -> None:
        workflow.set_current_details(
            f"**{self._name}** is {self._status}, spec version {self._spec_version}"
            f"{self._platform.describe()}\n\n"
            f"{self._runs.describe()}\n\n{self._champions.describe()}"
        )

    @workflow.query(name=lifecycle.STATE)
    def state(self) -> lifecycle.ModelState:
        """What the workflow carries."""
        return self._snapshot()

    @workflow.signal(name=lifecycle.CHAMPION_WANTED)
    def champion_wanted(self, wanted: lifecycle.ChampionWanted) -> None:
        """A run has been allowed to make its version champion."""
        self._champions.want(wanted)

    @workflow.signal(name=lifecycle.CHAMPION_UNWANTED)
    def champion_unwanted(self, unwanted: lifecycle.ChampionUnwanted) -> None:
        """A run that moved a champion, or asked for it, takes that back."""
        self._champions.unwant(unwanted)

    @workflow.signal(name=lifecycle.ROLLBACK_WANTED)
    async def rollback_wanted(self, wanted: lifecycle.RollbackWanted) -> None:
        """A guard found the champion worse than the one before it."""
        await self._champions.guard_back(wanted, tell=self._runs.under_way)

    @workflow.signal(name=triggers.RETRAIN_WANTED)
    async def retrain_wanted(self, wanted: triggers.RetrainWanted) -> None:
        """A monitor, a schedule or a message wants the model to be trained again."""
        try:
            self._check_alive()
            await self._retrain(wanted)
        except FailureError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.info("not trained again: %s", read_failure(error)[0])

    @workflow.signal(name=lifecycle.PLATFORM_CHANGED)
    def platform_changed(self, now: platform.Platform) -> None:
        """The platform was paused or resumed."""
        self._platform.hear(now)

    @workflow.signal(name=lifecycle.ALIAS_MOVED)
    async def alias_moved(self, moved: registry.AliasMoved) -> None:
        """Somebody moved an alias in MLflow: keep that, put it back, and adopt it if asked to."""
        if not self._aliases.is_news(moved):
            return
        promotion = self._adoption(moved)
        action = f"restored; run {promotion.run_id} judges it" if promotion else "restored"
        await self._aliases.put_right(moved, action)
        if promotion:
            try:
                await self._intake.accept(promotion, self._promotion_input(promotion))
            except ApplicationError as error:  # others came meanwhile, and the spec rejects
                workflow.logger.info("not adopted: %s", error.message)

    @workflow.signal(name=groups.MEMBER_WANTED)
    async def member_wanted(self, wanted: groups.MemberWanted) -> None:
        """A group wants one of the versions promoted with others."""
        try:
            self._check_alive()
            self._check_environment(wanted.promote.environment)
            await self._intake.promotion(wanted.promote, self._promotion_input(wanted.promote))
        except FailureError as error:
            await self._runs.tell_group(wanted.promote, read_failure(error)[0])

    @workflow.signal(name=groups.MOVED_TOGETHER)
    async def moved_together(self, moved: groups.MovedTogether) -> None:
        """A champion was moved with those of other models."""
        await self._champions.was_moved(moved.champion, self._runs.under_way, moved.run_id or "")

    def _adoption(self, moved: registry.AliasMoved) -> lifecycle.Promote | None:
        """The promotion that a move by hand asks for; never more than that."""
        spec, version = self._spec, moved.found_version
        if spec is None or version is None or spec.registry.moved_by_hand == "restore":
            return None
        if moved.environment not in spec.environments or self._status == "retired":
            return None
        request = ids.effect("alias", moved.environment, str(workflow.uuid4()))
        promotion = lifecycle.Promote(
            request_id=request,
            actor="mlflow",
            run_id=ids.run_id(self._name, request),
            version=version,
            environment=moved.environment,
            reason=f"its alias {moved.environment} was moved to it by hand",
        )
        return None if self._runs.would(self._promotion_input(promotion)).refused else promotion

    # What people ask. Validators refuse before anything enters history; they do no I/O.

    @workflow.update(name=lifecycle.APPLY_SPEC)
    async def apply_spec(self, ask: lifecycle.ApplySpec) -> lifecycle.SpecApplied:
        """Make a spec the one that counts from the next run on."""

        async def apply() -> lifecycle.SpecApplied:
            recorded = await workflow.execute_local_activity(
                records.record_spec,
                records.RecordSpec(
                    effect=self._effect(ask), spec=ask.spec, actor=ask.actor, at=workflow.now()
                ),
                **options.record(),
                summary="keep the spec",
            )
            self._spec, self._spec_version = ask.spec, recorded.spec_version
            await self._watchers.look_everywhere()
            return lifecycle.SpecApplied(
                model=self._name, spec_version=recorded.spec_version, changed=recorded.changed
            )

        return await self._requests.once(ask, lifecycle.SpecApplied, apply)

    @apply_spec.validator
    def _may_apply(self, ask: lifecycle.ApplySpec) -> None:
        self._check(ask, needs_spec=False)
        if ask.spec.model != self._name:
            raise _refused(f"the spec is of model {ask.spec.model!r}, not of {self._name!r}")

    @workflow.update(name=lifecycle.START_RUN)
    async def start_run(self, ask: lifecycle.StartRun) -> lifecycle.RunAccepted:
        """Start a lifecycle run, or queue it, as the spec's concurrency says."""
        return await self._requests.once(
            ask, lifecycle.RunAccepted, lambda: self._intake.accept(ask, self._lifecycle_input(ask))
        )

    @start_run.validator
    def _may_start(self, ask: lifecycle.StartRun) -> None:
        if self._check(ask):
            try:
                input = self._lifecycle_input(ask)
            except ValueError as error:
                raise ApplicationError(
                    f"the run's overrides do not fit: {error}", type="BadInput", non_retryable=True
                ) from None
            self._runs.check_room(input)

    @workflow.update(name=triggers.RETRAIN)
    async def retrain(self, ask: triggers.RetrainWanted) -> triggers.TriggerRecorded:
        """Train the model again, if its limits allow; they answer at once."""
        return await self._retrain(ask)

    @retrain.validator
    def _may_retrain(self, ask: triggers.RetrainWanted) -> None:
        self._check(ask)

    async def _retrain(self, wanted: triggers.RetrainWanted) -> triggers.TriggerRecorded:
        async def train() -> triggers.TriggerRecorded:
            assert self._spec is not None
            return await self._retraining.want(wanted, self._spec, self._spec_version)

        return await self._requests.once(wanted, triggers.TriggerRecorded, train)

    @workflow.update(name=lifecycle.PROMOTE)
    async def promote(self, ask: lifecycle.Promote) -> lifecycle.RunAccepted:
        """Start the promotion of a version that exists."""
        return await self._requests.once(
            ask,
            lifecycle.RunAccepted,
            lambda: self._intake.promotion(ask, self._promotion_input(ask)),
        )

    @promote.validator
    def _may_promote(self, ask: lifecycle.Promote) -> None:
        if self._check(ask):
            self._check_environment(ask.environment)
            self._runs.check_room(self._promotion_input(ask))

    @workflow.update(name=lifecycle.CANCEL_RUN)
    async def cancel_run(self, ask: lifecycle.CancelRun) -> lifecycle.RunAccepted:
        """End a run that is queued or under way."""

        async def cancel() -> lifecycle.RunAccepted:
            await self._runs.cancel(
                ask.run_id, f"cancelled by {ask.actor}: {ask.reason}".strip(": ")
            )
            return lifecycle.RunAccepted(run_id=ask.run_id, status="cancelling")

        return await self._requests.once(ask, lifecycle.RunAccepted, cancel)

    @cancel_run.validator
    def _may_cancel(self, ask: lifecycle.CancelRun) -> None:
        if self._check(ask) and not self._runs.knows(ask.run_id):
            raise _refused(f"run {ask.run_id} is neither queued nor under way")

    @workflow.update(name=lifecycle.ROLL_BACK)
    async def roll_back(self, ask: lifecycle.RollBack) -> records.Champion:
        """Put an earlier champion back at once, also while the model is paused."""

        async def back() -> records.Champion:
            return await self._champions.roll_back(
                ask, self._effect(ask), tell=self._runs.under_way
            )

        return await self._requests.once(ask, records.Champion, back)

    @roll_back.validator
    def _may_roll_back(self, ask: lifecycle.RollBack) -> None:
        if self._check(ask):
            self._check_environment(ask.environment)

    @workflow.update(name=lifecycle.PAUSE)
    async def pause(self, ask: lifecycle.Lever) -> lifecycle.ModelStatus:
        """Stop new runs and promotions; what runs goes on until it wants to promote."""
        return await self._requests.once(
            ask, lifecycle.ModelStatus, lambda: self._become("paused", ask)
        )

    @pause.validator
    def _may_pause(self, ask: lifecycle.Lever) -> None:
        self._check(ask)

    @workflow.update(name=lifecycle.RESUME)
    async def resume(self, ask: lifecycle.Lever) -> lifecycle.ModelStatus:
        """Go on after a pause."""
        return await self._requests.once(
            ask, lifecycle.ModelStatus, lambda: self._become("active", ask)
        )

    @resume.validator
    def _may_resume(self, ask: lifecycle.Lever) -> None:
        self._check(ask)

    @workflow.update(name=lifecycle.RETIRE)
    async def retire(self, ask: lifecycle.Lever) -> lifecycle.ModelStatus:
        """End the model's life: its runs are cancelled and no environment keeps a champion."""

        async def retire() -> lifecycle.ModelStatus:
            await self._become("paused", ask.model_copy(update={"reason": "retiring"}))
            await self._runs.cancel_all(f"{ask.actor} retired the model")
            await self._champions.withdraw_all(ask, self._effect(ask))
            retired = await self._become("retired", ask)
            async with self._runs.arriving:  # who came meanwhile
                await self._runs.drop_all(f"{ask.actor} retired the model")
            return retired

        return await self._requests.once(ask, lifecycle.ModelStatus, retire)

    @retire.validator
    def _may_retire(self, ask: lifecycle.Lever) -> None:
        self._check(ask)

    # How it is done

    def _check(self, ask: lifecycle.Asked, *, needs_spec: bool = True) -> bool:
        """Whether this is a new request; a repeat passes, to be given the first answer."""
        if self._requests.is_repeat(ask):
            return False
        self._check_alive(needs_spec=needs_spec)
        return True

    def _check_alive(self, *, needs_spec: bool = True) -> None:
        if self._status == "retired":
            raise ApplicationError(
                f"model {self._name!r} is retired; apply a spec under another name",
                type="ModelRetired",
                non_retryable=True,
            )
        if needs_spec and self._spec is None:
            raise _refused(f"model {self._name!r} has no spec yet; apply one first")

    def _check_environment(self, environment: str) -> None:
        assert self._spec is not None
        if environment not in self._spec.environments:
            raise _refused(
                f"{environment!r} is not one of {self._name!r}'s environments: "
                f"{', '.join(self._spec.environments)}"
            )

    def _effect(self, ask: lifecycle.Asked) -> str:
        return ids.effect("model", self._name, ask.request_id)

    def _lifecycle_input(self, ask: lifecycle.StartRun) -> lifecycle.RunInput:
        assert self._spec is not None
        return lifecycle_input(self._spec, self._spec_version, ask)

    def _promotion_input(self, ask: lifecycle.Promote) -> lifecycle.RunInput:
        assert self._spec is not None
        return promotion_input(self._spec, self._spec_version, ask)

    async def _become(self, status: str, ask: lifecycle.Lever) -> lifecycle.ModelStatus:
        await workflow.execute_local_activity(
            records.set_model_status,
            records.SetModelStatus.model_validate(
                {
                    "effect": f"{self._effect(ask)}/{status}",
                    "model": self._name,
                    "status": status,
                    "actor": ask.actor,
                    "reason": ask.reason,
                    "at": workflow.now(),
                }
            ),
            **options.record(),
            summary=status,
        )
        self._status = status
        return lifecycle.ModelStatus(model=self._name, status=status)


def _refused(message: str) -> ApplicationError:
    return ApplicationError(message, type="Refused", non_retryable=True)
