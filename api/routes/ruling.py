"""The page of a rollout that waits for a person. It rules by the code of the API's own routes."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from api.context import Context, Ctx
from api.pages import frame
from api.pages import ruling as page
from api.pages.forms import enter, html, key_of
from api.pages.session import Session, session_of
from api.queries.rollouts import read_assessments
from api.routes import rollouts
from api.routes.rollouts import Where
from api.schemas.base import Json, ModelName
from api.schemas.rollouts import RulingRequest
from perennial.contracts.errors import NotAllowed, PerennialError
from perennial.contracts.spec import Environment

router = APIRouter(prefix="/rule", include_in_schema=False)

_RULINGS = {"on": True, "back": False}


@router.get("/{model}/{environment}")
async def look(context: Ctx, request: Request, model: ModelName, environment: Where) -> Response:
    """What the rollout has come to, or a form to log in with."""
    session = session_of(request, context.tokens)
    if session is None:
        return html(frame.login())
    return await _shown(context, session, model, environment)


@router.post("/{model}/{environment}")
async def act(context: Ctx, request: Request, model: ModelName, environment: Where) -> Response:
    """Log in or out, or rule."""
    entered = await enter(request, context.tokens, "decided")
    if isinstance(entered, Response):
        return entered
    return await _rule(context, entered[0], model, environment, entered[1])


async def _rule(
    context: Context,
    session: Session,
    model: str,
    environment: Environment,
    form: dict[str, str],
) -> Response:
    evidence, choice = form.get("evidence", ""), form.get("do", "")
    where = (context, session, model, environment)
    if choice not in _RULINGS or not session.sealed(
        f"{model} {environment} {evidence}", form.get("seal", "")
    ):
        told = "That form is none of this page, so nothing was decided: look at it again, and rule."
        return await _shown(*where, told, "bad", 403)
    try:
        body = RulingRequest(
            go_on=_RULINGS[choice], evidence_digest=evidence, comment=form.get("comment", "")
        )
    except ValidationError as error:
        told = f"Nothing was decided: {error.errors()[0]['msg']}."
        return await _shown(*where, told, "bad", 422)
    key = key_of(form, choice, body.comment)
    try:
        if session.principal.role not in ("approver", "admin"):
            raise NotAllowed(
                f"{session.principal.name} has the role {session.principal.role}, and ruling "
                f"needs approver or admin; ask somebody who has it"
            )
        await rollouts.rule(context, session.principal, key, model, environment, body)
    except PerennialError as refused:
        told = f"Your ruling was not taken: {refused.message}."
        return await _shown(*where, told, "bad", refused.http_status)
    told = "You let it go on." if body.go_on else "You sent it back. Its run ends."
    return await _shown(*where, told, "good")


async def _shown(
    context: Context,
    session: Session,
    model: str,
    environment: Environment,
    told: str = "",
    kind: str = "",
    status: int = 200,
) -> Response:
    try:
        found = await rollouts.read(context, session.principal, model, environment)
        now = found.under_way
        assessments: Json = {}
        if now is not None:
            assessments = await run_in_threadpool(_watched, context, now.run_id, environment)
    except PerennialError as error:
        return html(frame.failed(session.principal, f"{error.message}."), error.http_status)
    seal = session.seal(f"{model} {environment} {now.evidence_digest if now is not None else ''}")
    return html(page.ruling(session.principal, found, assessments, seal, told, kind), status)


def _watched(context: Context, run_id: str, environment: Environment) -> Json:
    with context.store.database.reading() as session:
        return read_assessments(session, run_id, environment)
