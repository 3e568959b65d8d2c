"""Triggers: ask for a model to be trained again, and see what came of who asked."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, Query

from api.auth import Engineer, Someone
from api.bodies import json_only
from api.context import Ctx
from api.documented import LISTS, READS, WRITES
from api.queries import triggers as queries
from api.requests import Key
from api.schemas.base import Cursor, Limit, ModelFilter, ModelName, Page
from api.schemas.triggers import Decided, TriggerDetail, TriggerRequest
from api.wishes import wish
from perennial.contracts.retraining import Cause
from perennial.contracts.triggers import TriggerRecorded

router = APIRouter(prefix="/v1", tags=["triggers"])

CauseFilter = Annotated[Cause | None, Query(description="Of this cause only.")]
DecisionFilter = Annotated[Decided | None, Query(description="So decided only.")]


@router.post(
    "/models/{model}/triggers",
    operation_id="ask_retrain",
    status_code=202,
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def ask(
    context: Ctx,
    principal: Engineer,
    key: Key,
    model: ModelName,
    body: Annotated[TriggerRequest, Body(default_factory=TriggerRequest)],
) -> TriggerRecorded:
    """Ask for a model to be trained again: now, later or not, as its limits say."""
    return await wish(
        context.temporal,
        context.store.database,
        model,
        request_id=key,
        actor=principal.name,
        cause=body.cause,
        snapshot=body.snapshot,
        reason=body.reason,
    )


@router.get("/models/{model}/triggers", operation_id="list_model_triggers", responses=READS)
def list_of_model(
    context: Ctx,
    principal: Someone,
    model: ModelName,
    cause: CauseFilter = None,
    decision: DecisionFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TriggerDetail]:
    """What asked for a model to be trained again, newest first, and what came of it."""
    with context.store.database.reading() as session:
        return queries.list_of_model(session, model, cursor, limit, cause=cause, decision=decision)


@router.get("/triggers", operation_id="list_triggers", responses=LISTS)
def list_all(
    context: Ctx,
    principal: Someone,
    model: ModelFilter = None,
    cause: CauseFilter = None,
    decision: DecisionFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TriggerDetail]:
    """What asked for any model to be trained again, newest first, and what came of it."""
    with context.store.database.reading() as session:
        return queries.list_triggers(
            session, cursor, limit, model=model, cause=cause, decision=decision
        )
