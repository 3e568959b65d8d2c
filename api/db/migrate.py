"""Bring a database to the newest revision, once, however many processes start together."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import inspect, text

from api.db.engine import MIGRATION_LOCK, Database
from api.db.migrations import HEAD
from perennial.contracts.errors import Refused


def upgrade(database: Database | str) -> bool:
    """Migrate if need be; whether there was anything to do.

    Costs two small queries when the database is at the newest revision already.

    Raises:
        RecordsUnavailable: the database does not answer.
        Refused: the database was migrated by a newer release.
    """
    if isinstance(database, str):
        opened = Database(database)
        try:
            return upgrade(opened)
        finally:
            opened.close()
    if revision(database) == HEAD:
        return False
    with _alone(database):
        # another process may have done it while this one waited
        if revision(database) == HEAD:
            return False
        _run(database)
    return True


def revision(database: Database) -> str | None:
    """The revision a database is at; None when it is empty."""
    with database.reading() as session:
        connection = session.connection()
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def _run(database: Database) -> None:
    # alembic costs 0.2 s to load, and is seldom needed
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with database.migrating() as connection:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise Refused(
                f"the records cannot be migrated: {error}; they were written by a newer release, "
                f"so run that release or restore a backup"
            ) from error


@contextmanager
def _alone(database: Database) -> Iterator[None]:
    """Hold the right to migrate: a lock file beside a SQLite file, else an advisory lock."""
    if database.engine.dialect.name == "sqlite":
        with Path(f"{database.url.database}.migrating").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    else:
        with database.reading() as session:
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
            yield
