"""Champions: which version each environment has, and moving them."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool

from api.auth import Engineer, Someone
from api.bodies import json_only
from api.context import Context, Ctx
from api.documented import READS, WRITES
from api.queries import models as queries
from api.requests import Key, tell_model
from api.schemas.base import At, Cursor, EnvironmentFilter, Limit, ModelName, Page
from api.schemas.models import (
    ChampionDetail,
    Champions,
    PromoteRequest,
    Reign,
    RollbackRequest,
)
from perennial.contracts import ids, lifecycle
from perennial.contracts.lifecycle import Promote, RollBack, RunAccepted
from perennial.contracts.records import Champion
from perennial.contracts.spec import Environment

router = APIRouter(prefix="/v1/models/{model}", tags=["champions"])


@router.get("/champions", operation_id="read_champions", responses=READS)
def champions(context: Ctx, principal: Someone, model: ModelName) -> Champions:
    """Which version each environment has, and by whose hand."""
    with context.store.database.reading() as session:
        return Champions(model=model, champions=queries.read_champions(session, model))


@router.get("/champions/history", operation_id="read_history", responses=READS)
def history(
    context: Ctx,
    principal: Someone,
    model: ModelName,
    environment: EnvironmentFilter = None,
    at: At = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Reign]:
    """Every champion there was, newest first: from when to when, why, and by whose hand."""
    with context.store.database.reading() as session:
        return queries.read_history(session, model, environment, at, cursor, limit)


@router.post(
    "/promote",
    operation_id="promote",
    status_code=202,
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def promote(
    context: Ctx, principal: Engineer, key: Key, model: ModelName, body: PromoteRequest
) -> RunAccepted:
    """Take a version that exists through the environments, up to and with the one named."""
    ask = Promote(
        request_id=key, actor=principal.name, run_id=ids.run_id(model, key), **body.model_dump()
    )
    return await tell_model(context, model, lifecycle.PROMOTE, ask, RunAccepted)


@router.post(
    "/rollback",
    operation_id="roll_back",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def roll_back(
    context: Ctx, principal: Engineer, key: Key, model: ModelName, body: RollbackRequest
) -> ChampionDetail:
    """Put an earlier champion of an environment back, at once and without asking the policy."""
    ask = RollBack(request_id=key, actor=principal.name, **body.model_dump())
    moved = await tell_model(context, model, lifecycle.ROLL_BACK, ask, Champion)
    return await run_in_threadpool(_as_moved, context, model, body.environment, moved.epoch)


def _as_moved(context: Context, model: str, environment: Environment, epoch: int) -> ChampionDetail:
    with context.store.database.reading() as session:
        return queries.read_move(session, model, environment, epoch)
