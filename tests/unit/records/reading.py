"""What the tests look at behind the store."""

from __future__ import annotations

from typing import Any, TypeVar

from sqlmodel import SQLModel

from api.db import events, journal
from api.db.store import Store
from perennial.ledger import Verification, verify

T = TypeVar("T", bound=SQLModel)


def row(store: Store, table: type[T], key: Any) -> T:
    with store.database.reading() as session:
        found = session.get_one(table, key)
        session.expunge(found)
        return found


def kinds(store: Store) -> list[str]:
    """The kinds of the ledger's rows, after verifying them."""
    assert verified(store).ok
    with store.database.reading() as session:
        return [r["kind"] for r in journal.stream(session)]


def verified(store: Store) -> Verification:
    with store.database.reading() as session:
        return verify(journal.stream(session))


def seen(store: Store, run_id: str) -> list[tuple[str, str | None]]:
    """What a watcher of a run saw: event and status."""
    with store.database.reading() as session:
        return [(e.event, e.data.get("status")) for e in events.after(session, run_id, 0)]
