"""What happens in a run, as it happens: server-sent events out of `run_events`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from sse_starlette import ServerSentEvent
from starlette.concurrency import run_in_threadpool

from api.context import Context
from api.db import events
from api.db.facts.runs import get_run
from api.db.tables import RunEventRow
from api.queries.runs import read_run
from api.schemas.runs import RunDetail
from perennial.contracts.errors import RecordsUnavailable

_SOON, _LATER = 0.04, 0.2
"""Seconds between two looks: after news, and where there has been none for a while."""
_SLOWER = 1.25


async def watch(context: Context, run_id: str, after: int) -> AsyncIterator[ServerSentEvent]:
    """The events of a run behind number `after`, then `end` with the run once it is finished."""
    pause = _SOON
    while True:
        try:
            rows, end = await run_in_threadpool(_news, context, run_id, after)
        except RecordsUnavailable:
            # the reader keeps its connection; what it missed comes when the database is back
            rows, end = [], None
        for row in rows:
            after = row.seq
            yield ServerSentEvent(_json(row), event=row.event, id=str(row.seq))
        if end is not None:
            yield ServerSentEvent(end.model_dump_json(), event="end")
            return
        if rows:
            pause = _SOON  # one thing follows another, and the last of them is the end
        else:
            await asyncio.sleep(pause)
            pause = min(pause * _SLOWER, _LATER)


def _news(context: Context, run_id: str, after: int) -> tuple[list[RunEventRow], RunDetail | None]:
    with context.store.database.reading() as session:
        # read before the events: when it says finished, every event is there
        finished = get_run(session, run_id).status == "finished"
        rows = events.after(session, run_id, after)
        session.expunge_all()
        if rows or not finished:
            return rows, None
        return [], read_run(session, run_id, context.settings, context.temporal.namespace)


def _json(row: RunEventRow) -> str:
    return json.dumps(row.data, separators=(",", ":"))
