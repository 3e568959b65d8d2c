"""That a policy came into force is kept once, and by whose hand, on both databases."""

from __future__ import annotations

import pytest
from sqlmodel import Session

from api.db.facts.policies import find_applied, record_applied
from api.db.store import Store
from perennial.contracts.errors import KeyReused
from tests.samples import at
from tests.unit.records.reading import kinds


def put(session: Session, digest: str) -> None:
    record_applied(
        session, "policy/key", digest, replaced="a" * 64, actor="admin", reason="rows", at=at()
    )


def test_a_policy_is_recorded_once_for_each_request(store: Store) -> None:
    for _ in range(2):
        with store.database.recording() as session:
            put(session, "b" * 64)
    assert kinds(store) == ["policy.applied"]
    with store.database.reading() as session:
        assert find_applied(session, "policy/key", "b" * 64) == {
            "policy_digest": "b" * 64,
            "replaced": "a" * 64,
            "reason": "rows",
        }
        assert find_applied(session, "policy/other", "b" * 64) is None


def test_a_request_for_another_policy_under_the_same_key_is_refused(store: Store) -> None:
    with store.database.recording() as session:
        put(session, "b" * 64)
    refused = pytest.raises(KeyReused, match="put policy bbbbbbbbbbbb in force")
    with refused, store.database.recording() as session:
        put(session, "c" * 64)
    assert kinds(store) == ["policy.applied"]
