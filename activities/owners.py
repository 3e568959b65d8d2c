"""Word to the workflows that own the models."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from perennial.contracts import ids, lifecycle, monitoring, platform, queues
from perennial.contracts.store import RecordStore

_AT_ONCE = 50
LABELS_EVERY = timedelta(minutes=5)
"""A monitor hears of labels no more often than that: what cannot be measured stays due."""
_MODEL = SearchAttributeKey.for_keyword("ModelName")


class OwnerActivities:
    """What every model's workflow must hear of."""

    def __init__(self, client: Client, store: RecordStore) -> None:
        self._client = client
        self._store = store
        self._woken: dict[str, float] = {}

    @activity.defn(name="tell_models")
    async def tell_models(self, input: platform.TellModels) -> platform.Told:
        """Signal the platform's state to all living models' workflows.

        Everybody is told again when it is interrupted: the state has its epoch, so that hearing of
        it twice changes nothing. Costs one query when everybody knows.
        """
        untold = await asyncio.to_thread(self._store.read_untold)
        now, models = untold.platform, untold.models
        for first in range(0, len(models), _AT_ONCE):
            activity.heartbeat(first)
            batch = models[first : first + _AT_ONCE]
            await asyncio.gather(*(self._tell(model, now) for model in batch))
        if models:
            await asyncio.to_thread(self._store.mark_told, now.epoch)
        return platform.Told(epoch=now.epoch, models=len(models))

    @activity.defn(name="keep_monitors")
    async def keep_monitors(self, input: monitoring.KeepMonitors) -> monitoring.MonitorsKept:
        """Start the monitors that are not there, and tell those that have labels to look at.

        Two queries and one list, whatever the number of monitors, where there is nothing to do.
        """
        watched = await asyncio.to_thread(self._store.read_watched)
        wanted = {ids.monitor_workflow(each.model, each.environment): each for each in watched}
        query = f"WorkflowType = '{monitoring.MONITOR_WORKFLOW}' AND ExecutionStatus = 'Running'"
        there = (
            {found.id async for found in self._client.list_workflows(query)} if wanted else set()
        )
        started = []
        for id in sorted(wanted.keys() - there):
            activity.heartbeat(id)
            await self._watch(id, wanted[id])
            started.append(id)
        late = await asyncio.to_thread(self._store.monitors_with_labels, datetime.now(UTC))
        woken = await self._wake(
            ids.monitor_workflow(each.model, each.environment) for each in late
        )
        return monitoring.MonitorsKept(
            wanted=len(wanted), started=tuple(started), woken=tuple(woken)
        )

    async def _wake(self, monitors: Iterable[str]) -> list[str]:
        """Have monitors look again, but for those that have just done so."""
        now = time.monotonic()
        before = now - LABELS_EVERY.total_seconds()
        self._woken = {id: at for id, at in self._woken.items() if at > before}
        due = [id for id in monitors if id not in self._woken]
        for first in range(0, len(due), _AT_ONCE):
            activity.heartbeat(first)
            batch = due[first : first + _AT_ONCE]
            await asyncio.gather(*map(self._look_again, batch))
            self._woken |= dict.fromkeys(batch, now)
        return due

    async def _look_again(self, monitor: str) -> None:
        try:
            await self._client.get_workflow_handle(monitor).signal(monitoring.LOOK_AGAIN)
        except RPCError as error:
            # ended meanwhile: one that is started looks by itself
            if error.status != RPCStatusCode.NOT_FOUND:
                raise

    async def _watch(self, id: str, what: monitoring.ReadMonitored) -> None:
        await self._client.start_workflow(
            monitoring.MONITOR_WORKFLOW,
            monitoring.MonitorState(model=what.model, environment=what.environment),
            id=id,
            task_queue=queues.CONTROL,
            # Temporal's list is a moment behind, and the model's owner may have come first
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            static_summary=f"{what.model} in {what.environment}",
            search_attributes=TypedSearchAttributes([SearchAttributePair(_MODEL, what.model)]),
        )

    async def _tell(self, model: str, now: platform.Platform) -> None:
        owner = self._client.get_workflow_handle(ids.model_workflow(model))
        try:
            await owner.signal(lifecycle.PLATFORM_CHANGED, now)
        except RPCError as error:
            # one that does not run reads the records when it has a run to start
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
