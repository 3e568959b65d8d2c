"""The page that a link in an alert leads to. It votes by the code of the API's own routes."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.context import Context, Ctx
from api.pages import approving as page
from api.pages.session import Session, forget, log_in, remember, session_of
from api.queries import models, runs
from api.routes.approvals import vote
from api.schemas.models import VersionDetail
from api.schemas.runs import ApprovalDetail, VoteRequest
from perennial.contracts import lifecycle
from perennial.contracts.errors import PerennialError

router = APIRouter(prefix="/approve", include_in_schema=False)

_FORM = "application/x-www-form-urlencoded"
_UPDATES = {"approve": lifecycle.APPROVE, "reject": lifecycle.REJECT}


@router.get("/{approval_id}")
async def look(context: Ctx, request: Request, approval_id: str) -> Response:
    """The question, or a form to log in with."""
    session = session_of(request, context.tokens)
    if session is None:
        return _html(page.login())
    return await _shown(context, session, approval_id)


@router.post("/{approval_id}")
async def act(context: Ctx, request: Request, approval_id: str) -> Response:
    """Log in or out, or vote."""
    if not _is_own(request):
        return _html(page.login("That form did not come from this page: open the link again."), 403)
    form = _fields(await request.body())
    if form.get("do") == "login":
        entered = log_in(context.tokens, form.get("token", "").strip())
        if entered is None:
            return _html(page.login("Nobody has this token: look for yours, or ask for one."), 401)
        answer = RedirectResponse(request.url.path, 303)
        remember(request, answer, entered)
        return answer
    session = session_of(request, context.tokens)
    if session is None:
        return _html(page.login("You were logged out, and nothing was voted."), 401)
    if form.get("do") == "leave":
        answer = RedirectResponse(request.url.path, 303)
        forget(answer)
        return answer
    return await _vote(context, session, approval_id, form)


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
    # the same form sent twice is one vote
    said = "\0".join((form["seal"], choice, body.comment))
    key = f"page-{hashlib.sha256(said.encode()).hexdigest()[:40]}"
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
        return _html(page.failed(session.principal, f"{error.message}."), error.http_status)
    seal = session.seal(f"{approval_id} {version.evidence_digest or ''}")
    return _html(page.question(session.principal, asked, version, seal, told, kind), status)


def _read(context: Context, approval_id: str) -> tuple[ApprovalDetail, VersionDetail]:
    with context.store.database.reading() as session:
        asked = runs.read_approval(session, approval_id)
        return asked, models.read_version(session, asked.model, asked.version)


def _is_own(request: Request) -> bool:
    """Whether a form was sent by a page of here, as far as the browser says, and as a form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    # the cookie is not sent from elsewhere; a login needs none, and is not to come from there
    return kind == _FORM and request.headers.get("sec-fetch-site", "same-origin") in (
        "same-origin",
        "none",
    )


def _fields(body: bytes) -> dict[str, str]:
    """The first value of each field; browsers send CRLF at the end of a line."""
    found = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=20)
    return {name: values[0].replace("\r\n", "\n") for name, values in found.items()}


def _html(text: str, status: int = 200) -> HTMLResponse:
    return HTMLResponse(text, status, headers=page.HEADERS)
