"""Policies that people put in force: who, which, and instead of which."""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from api.db import journal
from perennial.contracts.base import Json
from perennial.contracts.errors import KeyReused

_KIND: journal.Kind = "policy.applied"


def find_applied(session: Session, effect: str, digest: str) -> Json | None:
    """What was recorded under this effect, if anything.

    Raises:
        KeyReused: it was of another policy.
    """
    body = journal.find(session, effect, _KIND)
    if body is not None and body["policy_digest"] != digest:
        raise KeyReused(
            f"the idempotency key of {effect!r} put policy {body['policy_digest'][:12]} in force; "
            f"take another key for {digest[:12]}"
        )
    return body


def record_applied(
    session: Session,
    effect: str,
    digest: str,
    *,
    replaced: str,
    actor: str,
    reason: str,
    at: datetime,
) -> None:
    """Keep that a policy is in force; the first one under an effect stands.

    Raises:
        KeyReused: as `find_applied`.
    """
    if find_applied(session, effect, digest) is None:
        body = {"policy_digest": digest, "replaced": replaced, "reason": reason}
        journal.append(
            session,
            at=at,
            actor=actor,
            kind=_KIND,
            model="",
            subject=digest,
            body=body,
            effect=effect,
        )
