"""Approvals: read the question, answer it."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Depends
from starlette.concurrency import run_in_threadpool

from api.asking import WorkflowGone, ask_run
from api.auth import Principal, Someone
from api.bodies import json_only
from api.context import Context, Ctx
from api.documented import LISTS, READS, WRITES
from api.queries import runs as queries
from api.requests import Key
from api.schemas.base import ApprovalId, Cursor, Limit, ModelFilter, Page, RunFilter
from api.schemas.runs import ApprovalDetail, ApprovalStatus, VoteRequest
from perennial.contracts import ids, lifecycle
from perennial.contracts.errors import NotAllowed, Refused
from perennial.contracts.lifecycle import CastVote, VoteTaken

router = APIRouter(prefix="/v1/approvals", tags=["approvals"])


@router.get("", operation_id="list_approvals", responses=LISTS)
def list_all(
    context: Ctx,
    principal: Someone,
    status: ApprovalStatus | None = None,
    model: ModelFilter = None,
    run_id: RunFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[ApprovalDetail]:
    """Questions to people, newest first."""
    with context.store.database.reading() as session:
        return queries.list_approvals(
            session, cursor, limit, status=status, model=model, run_id=run_id
        )


@router.get("/{approval_id}", operation_id="read_approval", responses=READS)
def read(context: Ctx, principal: Someone, approval_id: ApprovalId) -> ApprovalDetail:
    """One question with the votes on it."""
    with context.store.database.reading() as session:
        return queries.read_approval(session, approval_id)


@router.post(
    "/{approval_id}/approve",
    operation_id="approve",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def approve(
    context: Ctx, principal: Someone, key: Key, approval_id: ApprovalId, body: VoteRequest
) -> VoteTaken:
    """Say yes to the evidence that was looked at. Nobody approves a version of their own."""
    return await vote(context, principal, key, approval_id, body, lifecycle.APPROVE)


@router.post(
    "/{approval_id}/reject",
    operation_id="reject",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def reject(
    context: Ctx, principal: Someone, key: Key, approval_id: ApprovalId, body: VoteRequest
) -> VoteTaken:
    """Say no: one is enough, and the run ends."""
    return await vote(context, principal, key, approval_id, body, lifecycle.REJECT)


async def vote(
    context: Context,
    principal: Principal,
    key: str,
    approval_id: str,
    body: VoteRequest,
    update: str,
) -> VoteTaken:
    """Put somebody's word to the run that asks; a refusal is kept in the ledger.

    Args:
        context: of the process.
        principal: who votes, whatever they may.
        key: the same key with the same word is one vote.
        approval_id: of the question.
        body: the evidence that was looked at, and why.
        update: `lifecycle.APPROVE` or `lifecycle.REJECT`.

    Raises:
        NotFound: there is no such question.
        NotAllowed, Refused: the vote does not count, and why.
        WorkersUnavailable, TemporalUnavailable: there was no answer.
    """
    question = await run_in_threadpool(_question, context, approval_id)
    cast = CastVote(
        request_id=key,
        actor=principal.name,
        approval_id=approval_id,
        roles=(principal.role,),
        evidence_digest=body.evidence_digest,
        comment=body.comment,
    )
    try:
        if principal.role not in ("approver", "admin"):
            raise NotAllowed(
                f"{principal.name} has the role {principal.role}, and voting needs approver or "
                f"admin; ask somebody who has it"
            )
        try:
            run = question.model, question.run_id
            return await ask_run(context.temporal, *run, update, cast, VoteTaken)
        except WorkflowGone:
            raise await run_in_threadpool(_too_late, context, approval_id) from None
    except (Refused, NotAllowed) as refusal:
        effect = ids.effect("refused", approval_id, principal.name, key)
        await run_in_threadpool(
            context.store.refuse_vote,
            effect,
            approval_id,
            principal.name,
            refusal.message,
            datetime.now(UTC),
        )
        raise


def _question(context: Context, approval_id: str) -> ApprovalDetail:
    with context.store.database.reading() as session:
        return queries.read_approval(session, approval_id)


def _too_late(context: Context, approval_id: str) -> Refused:
    """Why nobody can vote on a question whose run has ended."""
    with context.store.database.reading() as session:
        question = queries.read_approval(session, approval_id)
        run = queries.run_summary(session, question.run_id)
    if run.status != "finished":
        return Refused(
            f"run {run.run_id} does not answer: its workflow has ended and its end is not "
            f"recorded; look at it in Temporal, and start another run"
        )
    closed = f" at {question.closed_at:%Y-%m-%d %H:%M} UTC" if question.closed_at else ""
    return Refused(
        f"approval {approval_id} is {question.status}{closed}, and run {run.run_id} has ended: "
        f"{run.outcome}{f' ({run.reason})' if run.reason else ''}; start another run"
    )
