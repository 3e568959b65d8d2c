"""Pause and resume everything: one workflow that keeps it and tells every model's workflow."""

from __future__ import annotations

import asyncio

from temporalio import workflow
from temporalio.common import VersioningBehavior

from perennial.contracts import ids, lifecycle, platform
from workflows.requests import Requests
from workflows.steps import options


@workflow.defn(
    name=lifecycle.PLATFORM_WORKFLOW, versioning_behavior=VersioningBehavior.AUTO_UPGRADE
)
class PlatformWorkflow:
    """The one place where the platform is paused. It holds from the moment it is recorded."""

    @workflow.init
    def __init__(self, state: lifecycle.PlatformState) -> None:
        self._requests = Requests(state.handled)
        self._lock = asyncio.Lock()
        self._to_tell = True  # one that ended early may have left somebody untold

    @workflow.run
    async def run(self, state: lifecycle.PlatformState) -> None:
        """Tell the models after each change, for ever."""
        while True:
            await workflow.wait_condition(lambda: self._to_tell or self._may_continue_as_new())
            if self._to_tell:
                self._to_tell = False
                await workflow.execute_activity(
                    platform.tell_models,
                    platform.TellModels(),
                    **options.broadcast(),
                    summary="tell every model",
                )
            elif self._may_continue_as_new():
                workflow.continue_as_new(lifecycle.PlatformState(handled=self._requests.handled()))

    def _may_continue_as_new(self) -> bool:
        return (
            workflow.info().is_continue_as_new_suggested()
            and workflow.all_handlers_finished()
            and not self._to_tell
        )

    @workflow.update(name=lifecycle.PAUSE)
    async def pause(self, ask: lifecycle.Lever) -> platform.Platform:
        """Start no further run and promote nothing, in any model."""
        return await self._requests.once(ask, platform.Platform, lambda: self._set(True, ask))

    @pause.validator
    def _may_pause(self, ask: lifecycle.Lever) -> None:
        self._requests.is_repeat(ask)

    @workflow.update(name=lifecycle.RESUME)
    async def resume(self, ask: lifecycle.Lever) -> platform.Platform:
        """Go on: whatever was held goes on by itself."""
        return await self._requests.once(ask, platform.Platform, lambda: self._set(False, ask))

    @resume.validator
    def _may_resume(self, ask: lifecycle.Lever) -> None:
        self._requests.is_repeat(ask)

    async def _set(self, paused: bool, ask: lifecycle.Lever) -> platform.Platform:
        async with self._lock:
            now: platform.Platform = await workflow.execute_local_activity(
                platform.set_platform,
                platform.SetPlatform(
                    effect=ids.effect("platform", ask.request_id),
                    paused=paused,
                    actor=ask.actor,
                    reason=ask.reason,
                    at=workflow.now(),
                ),
                **options.record(),
                summary="paused" if paused else "resumed",
            )
        self._to_tell = True
        workflow.set_current_details(
            f"**paused** by {now.actor}: {now.reason}" if now.paused else "not paused"
        )
        return now
