"""Deliveries of webhooks that were taken, by whichever process of the API."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Table, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from api.db.monitoring_tables import HookDeliveryRow

_TAKEN: Table = HookDeliveryRow.__table__  # type: ignore[attr-defined]


def take(session: Session, delivery: str, at: datetime, forget: datetime) -> bool:
    """Take a delivery; whether nobody has taken it yet.

    Args:
        session: of a transaction of its own.
        delivery: the digest of its id.
        at: now.
        forget: deliveries that were taken before it are forgotten.
    """
    session.execute(delete(_TAKEN).where(_TAKEN.c.taken_at < forget))
    kind = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    # of two processes that take it at one moment the second waits for the first, and finds it
    taken = session.execute(
        kind.insert(_TAKEN)
        .values(delivery=delivery, taken_at=at)
        .on_conflict_do_nothing()
        .returning(_TAKEN.c.delivery)
    )
    return taken.first() is not None


def give_back(session: Session, delivery: str) -> None:
    """Let a delivery that came to nothing come again."""
    session.execute(delete(_TAKEN).where(_TAKEN.c.delivery == delivery))
