"""Who looks at a page: a cookie that says it for half an hour, sealed with the person's own token.

The cookie holds a name, a time and a seal, and not the token. Nothing is kept here, so each process
of the API understands it, and it is void once the token is another one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import time
from dataclasses import dataclass

from fastapi import Request
from starlette.responses import Response

from api.auth import Principal, Tokens

SECONDS = 30 * 60
_COOKIE = "perennial-approve"


@dataclass(frozen=True)
class Session:
    """Somebody who is logged in.

    Attributes:
        until: when that ends, in seconds since 1970.
        token: theirs; it goes nowhere.
    """

    principal: Principal
    until: int
    token: str

    def seal(self, what: str) -> str:
        """What only this person's own pages can hold: it shows that a form came from one."""
        return _seal(self.token, "form", self.principal.name, self.until, what)

    def sealed(self, what: str, seal: str) -> bool:
        """Whether a seal is of that."""
        return hmac.compare_digest(self.seal(what).encode(), seal.encode("utf-8", "replace"))


def log_in(tokens: Tokens, token: str) -> Session | None:
    """A new session; none where nobody has this token."""
    principal = tokens.principal(token)
    if principal is None:
        return None
    return Session(principal, int(time.time()) + SECONDS, token)


def session_of(request: Request, tokens: Tokens) -> Session | None:
    """Who has sent a request, by its cookie."""
    try:
        named, until, seal = request.cookies.get(_COOKIE, "").split(".")
        name = base64.urlsafe_b64decode(named).decode()
        ends = int(until)
    except (ValueError, binascii.Error):
        return None
    if ends <= time.time():
        return None
    for token, principal in tokens.of(name):
        expected = _seal(token, "session", name, ends, "")
        if hmac.compare_digest(expected.encode(), seal.encode("utf-8", "replace")):
            return Session(principal, ends, token)
    return None


def remember(request: Request, answer: Response, session: Session) -> None:
    """Have the browser send the session with its requests for pages, and for nothing else."""
    name, until = session.principal.name, session.until
    named = base64.urlsafe_b64encode(name.encode()).decode()
    answer.set_cookie(
        _COOKIE,
        f"{named}.{until}.{_seal(session.token, 'session', name, until, '')}",
        max_age=SECONDS,
        path=None,  # the folder of the page, also behind a proxy that adds to it
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )


def forget(answer: Response) -> None:
    """Have the browser forget the session."""
    answer.set_cookie(_COOKIE, "", max_age=0, path=None, httponly=True, samesite="strict")


def _seal(token: str, kind: str, name: str, until: int, what: str) -> str:
    said = "\0".join(("perennial", kind, name, str(until), what))
    return hmac.new(token.encode(), said.encode(), hashlib.sha256).hexdigest()
