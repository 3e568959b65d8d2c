"""One database, three kinds of transaction: reading, writing views, recording facts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session

from perennial.contracts.errors import RecordsUnavailable, Refused

LEDGER_LOCK = 0x7065_7265_6E6E_0001
"""PostgreSQL advisory lock that a transaction holds while it appends to the ledger."""

MIGRATION_LOCK = 0x7065_7265_6E6E_0002
"""PostgreSQL advisory lock that a process holds while it migrates."""

_BUSY_SECONDS = 20.0


class Database:
    """An engine and its transactions. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        self.engine = _engine(self.url)
        # the same pool under another name: SQLite's writers must say so when they begin
        self._writer = self.engine.execution_options(perennial_writes=True)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that changes nothing. Raises RecordsUnavailable."""
        with _explained(self.url), Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that changes views: stages, progress. Raises RecordsUnavailable."""
        with _explained(self.url), Session(self._writer) as session, session.begin():
            yield session

    @contextmanager
    def recording(self) -> Iterator[Session]:
        """A transaction that may append to the ledger; one at a time, so that the chain holds.

        Raises:
            RecordsUnavailable: the database is away or stays locked.
            Refused: what is recorded names a thing that does not exist, or exists already.
        """
        with self.writing() as session:
            if self.engine.dialect.name == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LEDGER_LOCK})
            yield session

    @contextmanager
    def migrating(self) -> Iterator[Connection]:
        """A transaction that changes the schema. Raises RecordsUnavailable."""
        sqlite = self.engine.dialect.name == "sqlite"
        with _explained(self.url), self._writer.connect() as connection:
            driver: Any = connection.connection.dbapi_connection
            if sqlite:
                # alembic alters a table by copying and dropping it; has no effect once begun
                driver.execute("PRAGMA foreign_keys=OFF")
            try:
                with connection.begin():
                    yield connection
            finally:
                if sqlite:
                    driver.execute("PRAGMA foreign_keys=ON")

    def close(self) -> None:
        """Close the connections."""
        self.engine.dispose()


@contextmanager
def _explained(url: URL) -> Iterator[None]:
    """Give database errors the platform's names."""
    try:
        yield
    except IntegrityError as error:
        raise Refused(
            f"the records refuse this: {error.orig}; it names something that is not recorded, or "
            f"is recorded already"
        ) from error
    except (OperationalError, InterfaceError, PoolTimeout) as error:
        raise _unavailable(url, error) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise _unavailable(url, error) from error
        raise


def _unavailable(url: URL, error: Exception) -> RecordsUnavailable:
    reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    return RecordsUnavailable(
        f"the records at {url.render_as_string(hide_password=True)} do not answer: {reason}; "
        f"check that the database runs and that PERENNIAL_DATABASE_URL is right"
    )


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ValueError("records need a SQLite file: a database in memory has one reader")
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    # a server that was restarted must not cost the first request after it
    return create_engine(url, pool_pre_ping=True, connect_args={"connect_timeout": 5})


def _set_up_sqlite(connection: Any, record: object) -> None:
    # the driver must not begin transactions by itself: `_begin_sqlite` does
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={int(_BUSY_SECONDS * 1000)}",
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # a reader that turns writer fails at once when another wrote meanwhile, so writers begin so
    writes = connection.get_execution_options().get("perennial_writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
