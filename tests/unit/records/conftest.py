"""The same tests run on a SQLite file and on a PostgreSQL server."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from api.db.migrate import upgrade
from api.db.store import Store
from tests import postgres


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with postgres.server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of its own for each test."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.db'}"
    return create_database(request.getfixturevalue("postgres_server"), "template1")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "records.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def migrated_database(postgres_server: str) -> str:
    url = create_database(postgres_server, "template1")
    upgrade(url)
    return str(make_url(url).database)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store on a copy of a migrated database: copying is quicker than migrating."""
    if request.param == "sqlite":
        file = tmp_path / "records.db"
        shutil.copyfile(request.getfixturevalue("migrated_file"), file)
        url = f"sqlite:///{file}"
    else:
        template = request.getfixturevalue("migrated_database")
        url = create_database(request.getfixturevalue("postgres_server"), template)
    opened = Store.open(url)
    yield opened
    opened.close()


def create_database(server: str, template: str) -> str:
    name = f"t{uuid.uuid4().hex}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()
    return make_url(server).set(database=name).render_as_string(hide_password=False)
