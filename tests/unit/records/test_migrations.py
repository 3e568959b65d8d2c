from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from api.db.engine import Database
from api.db.migrate import revision, upgrade
from api.db.migrations import HEAD
from api.db.table import Table
from perennial.contracts.errors import RecordsUnavailable, Refused


def test_the_head_that_is_compared_is_the_newest_revision() -> None:
    config = Config()
    config.set_main_option("script_location", "api/db/migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_after_an_upgrade_there_is_nothing_left_to_migrate(url: str) -> None:
    database = Database(url)
    assert upgrade(database) is True
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Table.metadata) == []
    assert upgrade(database) is False
    database.close()


def test_migrated_tables_have_the_checks_of_the_models(url: str) -> None:
    """Autogenerate does not look at CHECK constraints, so this does."""
    database = Database(url)
    upgrade(database)
    with database.engine.connect() as connection:
        migrated = _checks(connection)
    with database.migrating() as connection:
        Table.metadata.drop_all(connection)
        Table.metadata.create_all(connection)
        assert _checks(connection) == migrated
    assert sum(map(len, migrated.values())) > 20
    database.close()


def _checks(connection) -> dict[str, dict[str, str]]:
    inspector = inspect(connection)
    return {
        table: {c["name"]: c["sqltext"] for c in inspector.get_check_constraints(table)}
        for table in Table.metadata.tables
    }


def test_many_processes_may_start_at_once(url: str) -> None:
    program = f"from api.db.migrate import upgrade; print(upgrade({url!r}))"

    def start(_: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout.strip()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(start, range(3))) == ["False", "False", "True"]


def test_nothing_to_do_does_not_load_alembic(url: str) -> None:
    upgrade(url)
    program = (
        f"from api.db.store import Store; Store.open({url!r}).close(); "
        "import sys; print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout.strip()) == (0, "False"), done.stderr


def test_a_database_of_a_newer_release_is_refused(url: str) -> None:
    database = Database(url)
    upgrade(database)
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Refused, match="newer release"):
        upgrade(database)
    assert revision(database) == "9999"
    database.close()


def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(RecordsUnavailable, match="PERENNIAL_DATABASE_URL"):
        upgrade("postgresql://nobody:secret@127.0.0.1:1/none")
    folder = tmp_path / "is-a-folder"
    folder.mkdir()
    with pytest.raises(RecordsUnavailable):
        upgrade(f"sqlite:///{folder}")


def test_a_message_never_shows_the_password() -> None:
    with pytest.raises(RecordsUnavailable) as caught:
        upgrade("postgresql://nobody:secret@127.0.0.1:1/none")
    assert "secret" not in str(caught.value)
