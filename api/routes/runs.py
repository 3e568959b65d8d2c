"""Runs: start, watch, cancel."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Header
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from api.asking import ask_model
from api.auth import Engineer, Someone
from api.bodies import json_only
from api.context import Context, Ctx
from api.documented import LISTS, READS, WRITES
from api.live import watch
from api.pollers import require_poller
from api.queries import runs as queries
from api.reproducing import answered_before, cancel_reproduction, reproduce, reproduction_input
from api.requests import Key, model_state, tell_model
from api.retrying import retrying
from api.schemas.base import Cursor, Limit, ModelFilter, ModelName, Page, RunId, VersionPath
from api.schemas.runs import (
    CancelRequest,
    ReproductionRequest,
    RunDetail,
    RunRequest,
    RunSummary,
)
from perennial.contracts import ids, lifecycle
from perennial.contracts.errors import Refused
from perennial.contracts.lifecycle import CancelRun, RunAccepted, StartRun
from perennial.contracts.records import Outcome, RunStatus
from perennial.contracts.reproduction import Reproduce, ReproductionInput

router = APIRouter(prefix="/v1", tags=["runs"])

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events named run, stage, progress, decision, approval and "
        "champion, whose data is JSON with the time as `at`. When the run is finished, `end` "
        "brings its detail and the stream closes.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.post(
    "/models/{model}/runs",
    operation_id="start_run",
    status_code=202,
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def start(
    context: Ctx,
    principal: Engineer,
    key: Key,
    model: ModelName,
    body: Annotated[RunRequest, Body(default_factory=RunRequest)],
) -> RunAccepted:
    """Start a lifecycle run, or queue it behind the one under way, as the spec says."""
    ask = StartRun(
        request_id=key, actor=principal.name, run_id=ids.run_id(model, key), **body.model_dump()
    )
    state = await run_in_threadpool(model_state, context, model)
    await require_poller(context.temporal, state, key)
    return await ask_model(context.temporal, state, lifecycle.START_RUN, ask, RunAccepted)


@router.post(
    "/models/{model}/versions/{version}/reproduce",
    operation_id="reproduce_version",
    status_code=202,
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def again(
    context: Ctx,
    principal: Engineer,
    key: Key,
    model: ModelName,
    version: VersionPath,
    body: Annotated[ReproductionRequest, Body(default_factory=ReproductionRequest)],
) -> RunAccepted:
    """Train a version again from what it was trained from, and compare what comes out.

    Nothing is registered and nothing is promoted. It waits for no other run of the model.
    """
    ask = Reproduce(
        request_id=key,
        actor=principal.name,
        run_id=ids.run_id(model, key),
        model=model,
        version=version,
        tolerance=body.tolerance,
        reason=body.reason,
    )
    before = await run_in_threadpool(_before, context, ask)
    if isinstance(before, RunAccepted):
        return before
    return await reproduce(context.temporal, ask, before)


@router.get("/runs", operation_id="list_runs", responses=LISTS)
def list_all(
    context: Ctx,
    principal: Someone,
    model: ModelFilter = None,
    status: RunStatus | None = None,
    outcome: Outcome | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[RunSummary]:
    """Runs, newest first."""
    with context.store.database.reading() as session:
        return queries.list_runs(
            session, cursor, limit, model=model, status=status, outcome=outcome
        )


@router.get("/runs/{run_id}", operation_id="read_run", responses=READS)
async def read(context: Ctx, principal: Someone, run_id: RunId) -> RunDetail:
    """A run with its stages, its newest question, and what it is trying again."""
    run = await run_in_threadpool(_detail, context, run_id)
    if run.status in ("running", "waiting"):
        run.retrying = await retrying(context.temporal, run.model, run_id)
    return run


@router.get(
    "/runs/{run_id}/events",
    operation_id="watch_run",
    response_class=EventSourceResponse,
    responses=_STREAM | READS,
)
async def events(
    context: Ctx,
    principal: Someone,
    run_id: RunId,
    last_event_id: Annotated[
        int,
        Header(alias="Last-Event-ID", ge=0, le=2**31 - 1, description="Go on behind this event."),
    ] = 0,
) -> EventSourceResponse:
    """What happens in a run, as it happens; everything so far comes first."""
    await run_in_threadpool(_detail, context, run_id)
    return EventSourceResponse(watch(context, run_id, last_event_id), ping=15)


@router.post(
    "/runs/{run_id}/cancel",
    operation_id="cancel_run",
    status_code=202,
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def cancel(
    context: Ctx,
    principal: Engineer,
    key: Key,
    run_id: RunId,
    body: Annotated[CancelRequest, Body(default_factory=CancelRequest)],
) -> RunAccepted:
    """End a run that is queued or under way."""
    run = await run_in_threadpool(_detail, context, run_id)
    if run.status == "finished":
        raise Refused(f"run {run_id} has ended already: {run.outcome}; start another one")
    ask = CancelRun(request_id=key, actor=principal.name, run_id=run_id, reason=body.reason)
    if run.kind == "reproduction":
        return await cancel_reproduction(context.temporal, ask, run.model)
    return await tell_model(context, run.model, lifecycle.CANCEL_RUN, ask, RunAccepted)


def _before(context: Context, ask: Reproduce) -> RunAccepted | ReproductionInput:
    with context.store.database.reading() as session:
        return answered_before(session, ask) or reproduction_input(session, ask)


def _detail(context: Context, run_id: str) -> RunDetail:
    with context.store.database.reading() as session:
        return queries.read_run(session, run_id, context.settings, context.temporal.namespace)
