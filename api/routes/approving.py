"""The page that a link in an alert leads to. It votes by the code of the API's own routes."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.context import Context, Ctx
from api.pages import approving as page
from api.pages import frame
from api.pages.forms import enter, html, key_of
from api.pages.session import Session, session_of
from api.queries import models, runs
from api.routes.approvals import vote
from api.schemas.models import VersionDetail
from api.schemas.runs import ApprovalDetail, VoteRequest
from perennial.contracts import lifecycle
from perennial.contracts.errors import PerennialError

router = APIRouter(prefix="/approve", include_in_schema=False)

_UPDATES = {"approve": lifecycle.APPROVE, "reject": lifecycle.REJECT}


@router.get("/{approval_id}")
async def look(context: Ctx, request: Request, approval_id: str) -> Response:
    """The question, or a form to log in with."""
    session = session_of(request, context.tokens)
    if session is None:
        return html(frame.login())
    return await _shown(context, session, approval_id)


@router.post("/{approval_id}")
async def act(context: Ctx, request: Request, approval_id: str) -> Response:
    """Log in or out, or vote."""
    entered = await enter(request, context.tokens, "voted")
    if isinstance(entered, Response):
        return entered
    return await _vote(context, entered[0], approval_id, entered[1])


async def _vote(
    context: Context, session: Session, approval_id: str, form: dict[str, str]
) -> Response:
    evidence, choice = form.get("evidence", ""), form.get("do", "")
    if choice not in _UPDATES or not session.sealed(
        f"{approval_id} {evidence}", form.get("seal", "")
    ):
        told = "That form is none of this page, so nothing was voted: look at it again, and vote."
        return await _shown(context, session, approval_id, told, "bad", 403)
    try:
        body = VoteRequest(evidence_digest=evidence, comment=form.get("comment", ""))
    except ValidationError as error:
        told = f"Nothing was voted: {error.errors()[0]['msg']}."
        return await _shown(context, session, approval_id, told, "bad", 422)
    key = key_of(form, choice, body.comment)
    try:
        taken = await vote(context, session.principal, key, approval_id, body, _UPDATES[choice])
    except PerennialError as refused:
        told = f"Your vote was not taken: {refused.message}."
        return await _shown(context, session, approval_id, told, "bad", refused.http_status)
    if choice == "reject":
        told = "You rejected it. Its run ends."
    elif taken.status == "approved":
        told = "You approved it. Its run goes on."
    else:
        told = f"Your yes counts; {taken.required - taken.votes} more needed."
    return await _shown(context, session, approval_id, told, "good")


async def _shown(
    context: Context,
    session: Session,
    approval_id: str,
    told: str = "",
    kind: str = "",
    status: int = 200,
) -> Response:
    try:
        asked, version = await run_in_threadpool(_read, context, approval_id)
    except PerennialError as error:
        return html(frame.failed(session.principal, f"{error.message}."), error.http_status)
    seal = session.seal(f"{approval_id} {version.evidence_digest or ''}")
    return html(page.question(session.principal, asked, version, seal, told, kind), status)


def _read(context: Context, approval_id: str) -> tuple[ApprovalDetail, VersionDetail]:
    with context.store.database.reading() as session:
        asked = runs.read_approval(session, approval_id)
        return asked, models.read_version(session, asked.model, asked.version)
