from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from api.db import engine
from api.db.engine import Database
from api.db.store import Store
from api.db.tables import ModelRow
from perennial.contracts import records
from perennial.contracts.errors import RecordsUnavailable
from tests.samples import at, record_run, spec
from tests.unit.records.conftest import create_database
from tests.unit.records.reading import kinds, row


def apply(store: Store) -> None:
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="engineer", at=at()))


def test_sqlite_is_set_up_on_every_connection(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'records.db'}")
    for _ in range(2):
        with database.reading() as first, database.reading() as second:
            for session in (first, second):
                found = {
                    name: session.execute(text(f"PRAGMA {name}")).scalar()
                    for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
                }
                assert found == {
                    "journal_mode": "wal",
                    "synchronous": 1,
                    "foreign_keys": 1,
                    "busy_timeout": 20_000,
                }
    database.close()


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(ValueError, match="SQLite file"):
        Database("sqlite://")


def test_readers_do_not_wait_for_a_writer(store: Store) -> None:
    apply(store)
    with store.database.recording() as session:
        session.get_one(ModelRow, "flights").status = "paused"
        session.flush()
        assert row(store, ModelRow, "flights").status == "active"
    assert row(store, ModelRow, "flights").status == "paused"


def test_a_writer_waits_for_its_turn(store: Store) -> None:
    apply(store)
    started = threading.Event()

    def write() -> None:
        started.set()
        store.record_run(record_run("r1"))

    with store.database.recording() as session:
        session.get_one(ModelRow, "flights").status = "paused"
        thread = threading.Thread(target=write)
        thread.start()
        started.wait()
    thread.join()
    assert kinds(store) == ["spec.applied", "run.requested"]


def test_a_database_that_stays_locked_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_BUSY_SECONDS", 0.05)
    url = f"sqlite:///{tmp_path / 'records.db'}"
    holder, other = Store.open(url), Store.open(url)
    with holder.database.recording() as session:
        session.get(ModelRow, "flights")
        with pytest.raises(RecordsUnavailable, match="database is locked"):
            apply(other)
    apply(other)
    holder.close()
    other.close()


def test_a_server_that_cut_its_connections_costs_nothing(
    postgres_server: str, migrated_database: str
) -> None:
    url = create_database(postgres_server, migrated_database)
    store = Store.open(url)
    apply(store)
    admin = create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        cut = connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = :name"
            ),
            {"name": store.database.url.database},
        ).scalar()
    admin.dispose()
    assert cut
    store.record_run(record_run("r1"))
    assert kinds(store) == ["spec.applied", "run.requested"]
    store.close()
