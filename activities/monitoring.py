"""What a monitor asks of the records, and how far the log of requests is."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

import fsspec
from temporalio import activity

from activities.pausing import pause
from perennial.contracts.errors import Unavailable
from perennial.contracts.monitoring import (
    AwaitEvents,
    EventsSeen,
    MeasuredWindows,
    Monitored,
    ReadMeasured,
    ReadMonitored,
    RecordAction,
    RecordQuality,
    RecordWindow,
)
from perennial.contracts.records import Done
from perennial.contracts.request_log import WRITTEN_SECONDS
from perennial.contracts.store import RecordStore
from perennial.contracts.triggers import RecordTrigger, TriggerRecorded
from perennial.storage import filesystem

_FIRST_LOOK_SECONDS, _LOOK_SECONDS, _LOOK_SHARE = 0.1, 30.0, 0.2
"""A look lists a folder, which an object store wants money for: nobody waits a fifth longer."""


class MonitoringActivities:
    """Light: the log is looked at by the names of its folders, an hour each."""

    def __init__(self, store: RecordStore, log: str) -> None:
        self._store = store
        self._log = log

    @activity.defn(name="read_monitored")
    async def read_monitored(self, input: ReadMonitored) -> Monitored:
        """What is watched, as it is now."""
        return await asyncio.to_thread(self._store.read_monitored, input)

    @activity.defn(name="read_measured")
    async def read_measured(self, input: ReadMeasured) -> MeasuredWindows:
        """Windows that were judged."""
        return await asyncio.to_thread(self._store.read_measured, input)

    @activity.defn(name="record_window")
    async def record_window(self, input: RecordWindow) -> Done:
        """Keep a window."""
        return await asyncio.to_thread(self._store.record_window, input)

    @activity.defn(name="record_quality")
    async def record_quality(self, input: RecordQuality) -> Done:
        """Keep a window's quality."""
        return await asyncio.to_thread(self._store.record_quality, input)

    @activity.defn(name="record_action")
    async def record_action(self, input: RecordAction) -> Done:
        """Keep what was done."""
        return await asyncio.to_thread(self._store.record_action, input)

    @activity.defn(name="record_trigger")
    async def record_trigger(self, input: RecordTrigger) -> TriggerRecorded:
        """Keep a wish with what becomes of it."""
        return await asyncio.to_thread(self._store.record_trigger, input)

    @activity.defn(name="await_events")
    async def await_events(self, input: AwaitEvents) -> EventsSeen:
        """Look until the log is as far as is asked: soon at first, then twice a minute.

        All requests that were answered before the one which shows it are in files then. Where no
        hour is asked for, the log is said to be no further than its oldest.

        Raises:
            Unavailable: the log cannot be read, or this worker shuts down.
        """
        began = time.monotonic()
        while not _is_so_far(seen := await asyncio.to_thread(self._look, input), input.due):
            waited = time.monotonic() - began
            await pause(min(max(_FIRST_LOOK_SECONDS, _LOOK_SHARE * waited), _LOOK_SECONDS))
        if input.due is None:
            return seen.model_copy(update={"newest": seen.oldest})
        # what another process has answered before the request that shows it may still be in memory
        await pause(WRITTEN_SECONDS)
        return seen

    def _look(self, input: AwaitEvents) -> EventsSeen:
        try:
            fs, root = filesystem(self._log)
            folder = f"{root.rstrip('/')}/environment={input.environment}/model={input.model}"
            days = _named(fs, folder, "date=")
            if not days:
                return EventsSeen()
            first = _named(fs, f"{folder}/date={days[0]}", "hour=")
            last = _named(fs, f"{folder}/date={days[-1]}", "hour=")
        except OSError as error:
            raise Unavailable(
                f"the log of requests of {input.model} at {self._log} cannot be listed: "
                f"{error}; it is looked at again"
            ) from error
        if not (first and last):  # a day without an hour yet: in a moment it has one
            return EventsSeen()
        return EventsSeen(oldest=_hour(days[0], first[0]), newest=_hour(days[-1], last[-1]))


def _is_so_far(seen: EventsSeen, due: datetime | None) -> bool:
    return seen.newest is not None and (due is None or seen.newest >= due)


def _named(fs: fsspec.AbstractFileSystem, folder: str, key: str) -> list[str]:
    """The values of the folders `key` in one, sorted; none where the folder is not there."""
    try:
        entries = fs.ls(folder, detail=False)
    except FileNotFoundError:
        return []
    return sorted(e.rstrip("/").rpartition(key)[2] for e in entries if f"/{key}" in e)


def _hour(day: str, hour: str) -> datetime:
    return datetime.fromisoformat(f"{day}T{hour}:00:00").replace(tzinfo=UTC)
