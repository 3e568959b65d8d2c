"""Who asks: bearer tokens from a file that only its owner may read, and what each role may do."""

from __future__ import annotations

import hmac
import json
import os
import secrets
import stat
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_args

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.schemas.service import Role
from perennial.contracts.errors import BadInput, NotAllowed, PerennialError


class Unauthenticated(PerennialError):
    """No token, or one that nobody has."""

    http_status = 401


@dataclass(frozen=True)
class Principal:
    """Who asks. The name is the actor of everything that is recorded."""

    name: str
    role: Role


class Tokens:
    """The principals of a tokens file."""

    def __init__(self, entries: list[tuple[str, Principal]]) -> None:
        self._entries = entries

    @classmethod
    def load(cls, path: Path) -> Tokens:
        """Read the file; make it, with one principal for each role, if it is not there.

        Raises:
            NotAllowed: others than its owner may read the file.
            BadInput: it is not a tokens file.
        """
        _create(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise NotAllowed(
                f"{path} holds secrets and can be read by others (mode {mode:04o}); run "
                f"`chmod 600 {path}`, or remove the file to get new tokens at the next start"
            )
        try:
            entries = [
                (str(e["token"]), Principal(str(e["name"]), _role(e["role"])))
                for e in json.loads(path.read_text())["tokens"]
            ]
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(
                f"{path} is not a tokens file ({type(error).__name__}: {error}); correct it, or "
                f"remove it to get new tokens at the next start"
            ) from None
        return cls([entry for entry in entries if entry[0]])

    def of(self, name: str) -> list[tuple[str, Principal]]:
        """The tokens of a name, each with whose it is."""
        return [entry for entry in self._entries if entry[1].name == name]

    def principal(self, token: str) -> Principal | None:
        """Whose token this is. Takes as long for a token that is nearly right."""
        found = None
        for known, principal in self._entries:
            if hmac.compare_digest(known.encode(), token.encode("utf-8", "surrogatepass")):
                found = principal
        return found


def _create(path: Path) -> None:
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    tokens = [
        {"name": role, "role": role, "token": secrets.token_urlsafe(32)} for role in get_args(Role)
    ]
    # whole and 0600 from the first moment it has its name, and made once if two processes start
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump({"tokens": tokens}, file, indent=2)
        with suppress(FileExistsError):
            os.link(partial, path)
    finally:
        Path(partial).unlink()


def _role(value: Any) -> Role:
    for role in get_args(Role):
        if value == role:
            known: Role = role
            return known
    raise ValueError(f"{value!r} is no role; there are {', '.join(get_args(Role))}")


_bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="A token of the tokens file, which the API makes at its first start.",
)


async def authenticate(
    request: Request,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """Whoever asks. Raises Unauthenticated."""
    principal = None
    if credentials is not None:
        tokens: Tokens = request.app.state.context.tokens
        principal = tokens.principal(credentials.credentials)
    if principal is None:
        raise Unauthenticated(
            "this needs a token that is known here: send `Authorization: Bearer <token>` with one "
            "of the tokens file (make up prints where it is)"
        )
    return principal


Someone = Annotated[Principal, Depends(authenticate)]
"""Anybody with a token."""


def _only(*roles: Role) -> Callable[[Principal], Coroutine[Any, Any, Principal]]:
    async def check(principal: Someone) -> Principal:
        if principal.role not in roles:
            raise NotAllowed(
                f"{principal.name} has the role {principal.role}, and this needs "
                f"{' or '.join(roles)}; ask with the token of somebody who has it"
            )
        return principal

    return check


Engineer = Annotated[Principal, Depends(_only("engineer", "admin"))]
"""May apply, run, promote, roll back, cancel and pause."""

Admin = Annotated[Principal, Depends(_only("admin"))]
"""May also resume and retire."""

Insider = Annotated[Principal, Depends(_only("engineer", "approver", "admin"))]
"""Everybody but viewers: may have a policy tried out."""

DataPlane = Annotated[Principal, Depends(_only("data-plane", "admin"))]
"""May say what it serves and has answered."""

Approver = Annotated[Principal, Depends(_only("approver", "admin"))]
"""May decide what figures did not."""
