"""The ledger in the database: append inside the transaction of the change, look up, read on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal

from sqlmodel import Session, col, select

from api.db.tables import LedgerRow
from perennial.contracts.base import Json
from perennial.contracts.errors import KeyReused
from perennial.ledger import FIELDS, GENESIS, row_hash

Kind = Literal[
    "spec.applied",
    "run.requested",
    "run.finished",
    "snapshot.taken",
    "version.created",
    "evidence.recorded",
    "decision.made",
    "approval.opened",
    "approval.voted",
    "approval.closed",
    "approval.refused",
    "champion.moved",
    "champion.refused",
    "deployment.changed",
    "alias.moved",
    "model.paused",
    "model.resumed",
    "model.retired",
    "window.answered",
    "retrain.wanted",
    "platform.paused",
    "platform.resumed",
    "policy.applied",
    "alert.raised",
    "alert.acknowledged",
    "silence.set",
    "silence.ended",
    "retention.swept",
]

PLATFORM = "perennial"
"""The actor of what nobody asked for by name."""

_BATCH = 1000


def find(session: Session, effect: str, kind: Kind) -> Json | None:
    """The body of the row that an effect left, if it was made before.

    Raises:
        KeyReused: the effect belongs to a change of another kind.
    """
    row = session.exec(select(LedgerRow).where(LedgerRow.effect == effect)).first()
    if row is None:
        return None
    if row.kind != kind:
        raise KeyReused(f"effect {effect!r} made a {row.kind} already, so it cannot make a {kind}")
    return row.body


def append(
    session: Session,
    *,
    at: datetime,
    actor: str,
    kind: Kind,
    model: str,
    subject: str,
    body: Json,
    effect: str,
) -> None:
    """Add a row to the chain. Only inside `Database.recording()`, which keeps others out."""
    last = session.exec(select(LedgerRow).order_by(col(LedgerRow.seq).desc()).limit(1)).first()
    row: Json = {
        "seq": last.seq + 1 if last else 1,
        "at": at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "actor": actor,
        "kind": kind,
        "model": model,
        "subject": subject,
        "body": body,
        "effect": effect,
        "prev_hash": last.hash if last else GENESIS,
    }
    session.add(LedgerRow(**row, hash=row_hash(row)))
    session.flush()


def as_json(row: LedgerRow) -> Json:
    """A row as it is exported and verified."""
    return {field: getattr(row, field) for field in (*FIELDS, "hash")}


def page(session: Session, after: int, limit: int) -> list[Json]:
    """Rows in order, from the one behind `after`."""
    rows = session.exec(
        select(LedgerRow).where(LedgerRow.seq > after).order_by(col(LedgerRow.seq)).limit(limit)
    )
    return [as_json(row) for row in rows]


def stream(session: Session) -> Iterator[Json]:
    """Every row in order, a batch in memory at a time."""
    after = -(2**62)
    while rows := page(session, after, _BATCH):
        yield from rows
        session.expunge_all()
        after = rows[-1]["seq"]
