"""Decisions of the policy, and asking again."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool

from api.auth import Insider, Someone
from api.bodies import json_only
from api.context import Context, Ctx
from api.documented import LISTS, READS, problems
from api.queries import runs as queries
from api.replay import replay
from api.requests import Key
from api.schemas.base import (
    Cursor,
    DecisionId,
    EnvironmentFilter,
    Limit,
    ModelFilter,
    Page,
    RunFilter,
)
from api.schemas.runs import (
    DecisionDetail,
    DecisionKind,
    DecisionOutcome,
    DecisionSummary,
    ReplayAnswer,
    ReplayRequest,
)

router = APIRouter(prefix="/v1/decisions", tags=["decisions"])


@router.get("", operation_id="list_decisions", responses=LISTS)
def list_all(
    context: Ctx,
    principal: Someone,
    model: ModelFilter = None,
    environment: EnvironmentFilter = None,
    kind: DecisionKind | None = None,
    outcome: DecisionOutcome | None = None,
    run_id: RunFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DecisionSummary]:
    """Judgements of the policy, newest first."""
    with context.store.database.reading() as session:
        return queries.list_decisions(
            session,
            cursor,
            limit,
            model=model,
            environment=environment,
            kind=kind,
            outcome=outcome,
            run_id=run_id,
        )


@router.get("/{decision_id}", operation_id="read_decision", responses=READS)
def read(context: Ctx, principal: Someone, decision_id: DecisionId) -> DecisionDetail:
    """A judgement with exactly what was asked and answered."""
    with context.store.database.reading() as session:
        return queries.read_decision(session, decision_id)


@router.post(
    "/replay",
    operation_id="replay_decisions",
    responses=problems(400, 401, 403, 413, 415, 422, 503),
    dependencies=[Depends(json_only)],
)
async def ask_again(
    context: Ctx, principal: Insider, key: Key, body: ReplayRequest
) -> ReplayAnswer:
    """Ask stored questions again, under the policy of then or another one, and say what flips.

    Nothing is recorded, and no decision changes.
    """
    decisions = await run_in_threadpool(_newest, context, body)
    async with context.replays:
        return await replay(decisions, body.policy, context.settings)


def _newest(context: Context, body: ReplayRequest) -> list[DecisionDetail]:
    with context.store.database.reading() as session:
        return queries.newest_decisions(session, body.limit, model=body.model, kind=body.kind)
