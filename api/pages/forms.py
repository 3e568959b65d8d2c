"""What the forms of a page have in common: that they are its own, and who sends them."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.auth import Tokens
from api.pages import frame
from api.pages.session import Session, forget, log_in, remember, session_of

_FORM = "application/x-www-form-urlencoded"


async def enter(
    request: Request, tokens: Tokens, nothing: str
) -> Response | tuple[Session, dict[str, str]]:
    """Let somebody log in or out; else say who has sent the form, and what is in it.

    Args:
        request: a POST.
        tokens: by which people are known.
        nothing: what was not done, for somebody who was logged out meanwhile.
    """
    if not _is_own(request):
        told = "That form did not come from this page: open the link again."
        return html(frame.login(told), 403)
    form = _fields(await request.body())
    if form.get("do") == "login":
        entered = log_in(tokens, form.get("token", "").strip())
        if entered is None:
            told = "Nobody has this token: look for yours, or ask for one."
            return html(frame.login(told), 401)
        answer = RedirectResponse(request.url.path, 303)
        remember(request, answer, entered)
        return answer
    session = session_of(request, tokens)
    if session is None:
        return html(frame.login(f"You were logged out, and nothing was {nothing}."), 401)
    if form.get("do") == "leave":
        answer = RedirectResponse(request.url.path, 303)
        forget(answer)
        return answer
    return session, form


def key_of(form: dict[str, str], *said: str) -> str:
    """The idempotency key of a form: the same one sent twice is one word."""
    whole = "\0".join((form["seal"], *said))
    return f"page-{hashlib.sha256(whole.encode()).hexdigest()[:40]}"


def html(text: str, status: int = 200) -> HTMLResponse:
    """A page as an answer."""
    return HTMLResponse(text, status, headers=frame.HEADERS)


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
