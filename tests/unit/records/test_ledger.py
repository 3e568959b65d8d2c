from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.db import journal
from api.db.store import Store
from perennial.contracts import records
from perennial.contracts.errors import Refused
from perennial.ledger import FIELDS, GENESIS, row_hash, verify
from tests.samples import at, record_run, spec
from tests.unit.records.reading import verified


def chain(length: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for seq in range(1, length + 1):
        row: dict[str, Any] = {
            "seq": seq,
            "at": f"2026-01-05T09:00:{seq:02}.000000Z",
            "actor": "engineer",
            "kind": "run.requested",
            "model": "flights",
            "subject": f"flights-{seq}",
            "body": {"reason": "new data", "overrides": {"rate": 0.1 * seq}},
            "effect": f"run/{seq}",
            "prev_hash": rows[-1]["hash"] if rows else GENESIS,
        }
        rows.append({**row, "hash": row_hash(row)})
    return rows


def fill(store: Store, count: int = 5) -> None:
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="engineer", at=at()))
    for number in range(count - 1):
        store.record_run(record_run(f"r{number}", overrides={"learning_rate": 0.1}))


def test_a_whole_chain_verifies() -> None:
    rows = chain(4)
    found = verify(iter(rows))
    assert (found.ok, found.rows, found.head, found.first_bad) == (True, 4, rows[-1]["hash"], None)
    assert verify([]).ok and verify([]).head == GENESIS


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None)
@given(position=st.integers(0, 4), field=st.sampled_from([*FIELDS, "hash"]), value=json_values)
def test_whatever_is_changed_the_row_is_named(position: int, field: str, value: Any) -> None:
    rows = chain(5)
    # 1 and True are equal in Python, but not in JSON
    if json.dumps(rows[position][field]) == json.dumps(value):
        return
    rows[position] = {**rows[position], field: value}
    found = verify(rows)
    assert not found.ok and found.first_bad is not None
    assert found.rows == position
    named = value if field == "seq" and type(value) is int else position + 1
    assert found.first_bad.seq == named


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_row_that_was_taken_out_is_named(position: int) -> None:
    rows = chain(4)
    del rows[position]
    found = verify(rows)
    assert found.first_bad is not None
    assert found.first_bad.seq == position + 1
    assert "missing" in found.first_bad.problem


def test_a_row_that_was_replaced_with_a_right_hash_breaks_the_link() -> None:
    rows = chain(4)
    forged = {**rows[1], "actor": "somebody else"}
    rows[1] = {**forged, "hash": row_hash(forged)}
    found = verify(rows)
    assert found.first_bad is not None and found.first_bad.seq == 3
    assert "replaced" in found.first_bad.problem


def test_a_row_without_a_field_is_named() -> None:
    rows = chain(2)
    del rows[1]["actor"]
    found = verify(rows)
    assert found.first_bad is not None
    assert found.first_bad.problem == "the row has no actor"


def test_a_cut_off_end_shows_in_the_count_and_the_head() -> None:
    rows = chain(4)
    whole, cut = verify(rows), verify(rows[:-1])
    assert cut.ok and (cut.rows, cut.head) != (whole.rows, whole.head)


def test_an_export_verifies_without_the_platform() -> None:
    program = (
        "import json, sys; from perennial.ledger import verify; "
        "print(verify(map(json.loads, sys.stdin)).ok); "
        "print(sorted({'pydantic', 'sqlalchemy', 'temporalio'} & set(sys.modules)))"
    )
    export = "".join(json.dumps(row) + "\n" for row in chain(3))
    done = subprocess.run(
        [sys.executable, "-c", program], input=export, capture_output=True, text=True
    )
    assert done.stdout.split("\n")[:2] == ["True", "[]"], done.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET actor = 'nobody' WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 2",
        "DELETE FROM ledger",
    ],
)
def test_the_database_refuses_to_change_a_row(store: Store, statement: str) -> None:
    fill(store)
    with (
        pytest.raises((Refused, DBAPIError), match="append-only"),
        store.database.writing() as session,
    ):
        session.execute(text(statement))
    assert (verified(store).ok, verified(store).rows) == (True, 5)


def test_a_row_cannot_be_replaced_or_put_out_of_turn(store: Store) -> None:
    if store.database.engine.dialect.name != "sqlite":
        statement = "TRUNCATE ledger"
    else:
        statement = (
            "INSERT OR REPLACE INTO ledger SELECT seq, at, 'nobody', kind, model, subject, body, "
            "effect, prev_hash, hash FROM ledger WHERE seq = 2"
        )
    fill(store)
    with (
        pytest.raises((Refused, DBAPIError), match="append-only"),
        store.database.writing() as session,
    ):
        session.execute(text(statement))
    assert verified(store).ok


@pytest.mark.parametrize("column", [*FIELDS, "hash"])
def test_an_administrator_who_changes_a_column_is_found_out(store: Store, column: str) -> None:
    fill(store)
    value = {"seq": "9", "body": "'{}'"}.get(column, "'x'")
    with store.database.writing() as session:
        if store.database.engine.dialect.name == "sqlite":
            session.execute(text("DROP TRIGGER ledger_is_never_changed"))
        else:
            session.execute(text("ALTER TABLE ledger DISABLE TRIGGER USER"))
        session.execute(text(f"UPDATE ledger SET {column} = {value} WHERE seq = 3"))
    found = verified(store)
    assert found.first_bad is not None and found.rows == 2
    assert found.first_bad.seq == 3


def test_eight_threads_append_one_chain(store: Store) -> None:
    fill(store, 1)

    def work(thread: int) -> None:
        for number in range(10):
            store.record_run(record_run(f"r-{thread}-{number}"))
            # the same effects from everybody: recorded once
            store.set_model_status(
                records.SetModelStatus(
                    effect=f"pause-{number}",
                    model="flights",
                    status="paused",
                    actor="admin",
                    reason="",
                    at=at(),
                )
            )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    found = verified(store)
    assert (found.ok, found.rows) == (True, 1 + 80 + 10)


def test_rows_are_read_page_by_page(store: Store) -> None:
    fill(store, 7)
    with store.database.reading() as session:
        first, second = journal.page(session, 0, 5), journal.page(session, 5, 5)
    assert [row["seq"] for row in first + second] == list(range(1, 8))
    assert verify(first + second).ok
