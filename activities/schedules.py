"""Schedules in Temporal, kept as the specs say; and wishes whose time has come."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError, RPCStatusCode

from perennial.contracts import cron, ids, queues, schedules, triggers
from perennial.contracts.store import RecordStore

CATCH_UP = timedelta(minutes=10)
"""A time that passed while Temporal was away counts if it is not longer ago. The SDK's default is a
year: everything that was missed would be made up for at once."""
_OVER = 2000
"""The first year that Temporal takes."""
JITTER = timedelta(minutes=1)
"""Specs like round hours: all models at once would be a crowd."""
_AT_ONCE = 50


class ScheduleActivities:
    """One schedule for each living model whose spec names a time."""

    def __init__(self, client: Client, store: RecordStore) -> None:
        self._client = client
        self._store = store

    @activity.defn(name="keep_schedules")
    async def keep_schedules(self, input: schedules.KeepSchedules) -> schedules.SchedulesKept:
        """Make, change and remove what differs; two queries and one list where nothing does.

        What is compared is the name of a timetable, which a schedule carries as its comment: in
        Temporal's list it is a calendar. A schedule that an operator has paused stays paused.
        """
        wanted = await asyncio.to_thread(self._store.read_schedules)
        found = {
            model: _name(listed.schedule.spec) if listed.schedule else None
            async for listed in await self._client.list_schedules()
            if (model := ids.scheduled_model(listed.id))
        }
        made = sorted(wanted.keys() - found.keys())
        removed = sorted(found.keys() - wanted.keys())
        changed = sorted(
            model for model in wanted.keys() & found.keys() if wanted[model].name != found[model]
        )
        for model in (*made, *changed):
            activity.heartbeat(model)
            await self._put(wanted[model])
        for model in removed:
            activity.heartbeat(model)
            await self._remove(model)
        return schedules.SchedulesKept(
            wanted=len(wanted),
            made=tuple(made),
            changed=tuple(changed),
            removed=tuple(removed),
            asked_again=tuple(await self._ask_again()),
        )

    async def _ask_again(self) -> list[str]:
        """Put the wishes that had to wait and may come by now; returns whose they are.

        A round that dies in between, or one that comes before the model has answered, puts them
        under the same names, and the model hears each once.
        """
        due = await asyncio.to_thread(self._store.waiting_wishes, datetime.now(UTC))
        heard: list[str] = []
        for first in range(0, len(due), _AT_ONCE):
            activity.heartbeat(first)
            batch = due[first : first + _AT_ONCE]
            answers = await asyncio.gather(*map(self._put_again, batch))
            heard += [wish.model for wish, told in zip(batch, answers, strict=True) if told]
        return heard

    async def _put_again(self, wish: triggers.WaitingWish) -> bool:
        owner = self._client.get_workflow_handle(ids.model_workflow(wish.model))
        try:
            await owner.signal(triggers.RETRAIN_WANTED, wish.wanted)
        except RPCError as error:
            # nobody to hear it; whoever asks the model for anything starts it again
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return False
        return True

    async def _put(self, wanted: schedules.Timetable) -> None:
        schedule, name = _schedule(wanted), ids.retrain_schedule(wanted.due.model)
        try:
            await self._client.create_schedule(name, schedule)
        except ScheduleAlreadyRunningError:

            def renew(input: ScheduleUpdateInput) -> ScheduleUpdate:
                # an operator's pause stays
                schedule.state = input.description.schedule.state
                return ScheduleUpdate(schedule)

            await self._client.get_schedule_handle(name).update(renew)

    async def _remove(self, model: str) -> None:
        try:
            await self._client.get_schedule_handle(ids.retrain_schedule(model)).delete()
        except RPCError as error:
            # Temporal's list lags behind: another round removed it
            if error.status != RPCStatusCode.NOT_FOUND:
                raise


def _schedule(wanted: schedules.Timetable) -> Schedule:
    when, model = cron.parse(wanted.expression), wanted.due.model
    return Schedule(
        action=ScheduleActionStartWorkflow(
            schedules.DUE_WORKFLOW,
            wanted.due,
            id=ids.retrain_schedule(model),
            task_queue=queues.CONTROL,
            static_summary=f"it is time to train {model} again",
        ),
        spec=_times(when, wanted.name),
        # a wish that waits for its answer is enough, and one that fails is no reason to end others
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=CATCH_UP),
    )


def _times(when: cron.Cron | cron.Every, name: str) -> ScheduleSpec:
    if isinstance(when, cron.Every):
        # an interval has no comment: a calendar that never comes again carries it
        never = ScheduleCalendarSpec(year=[ScheduleRange(_OVER)], comment=name)
        every = ScheduleIntervalSpec(every=timedelta(seconds=when.seconds))
        return ScheduleSpec(calendars=[never], intervals=[every], jitter=JITTER)
    calendar = ScheduleCalendarSpec(
        minute=_ranges(when.minute),
        hour=_ranges(when.hour),
        day_of_month=_ranges(when.day_of_month),
        month=_ranges(when.month),
        day_of_week=_ranges(when.day_of_week),
        comment=name,
    )
    return ScheduleSpec(calendars=[calendar], jitter=JITTER)


def _ranges(spans: Iterable[cron.Span]) -> list[ScheduleRange]:
    return [ScheduleRange(span.start, span.end, span.step) for span in spans]


def _name(spec: ScheduleSpec) -> str | None:
    return spec.calendars[0].comment if len(spec.calendars) == 1 else None
