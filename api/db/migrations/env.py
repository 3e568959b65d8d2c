"""How alembic reaches the database: over the connection it is handed, else from the settings."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection
from sqlmodel import AutoString

import api.db.tables  # noqa: F401 - so that all of them are known
from api.db.columns import AnyText, UtcDateTime
from api.db.engine import Database
from api.db.table import Table
from perennial.settings import settings


def _render(kind: str, item: Any, context: AutogenContext) -> str | Literal[False]:
    """Write our own types as plain ones: a migration must not change when the code does."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, AutoString):
        return "sa.String()"
    if kind == "type" and isinstance(item, AnyText):
        return "sa.Text()"
    return False


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Table.metadata,
        # SQLite alters a table by copying it
        render_as_batch=True,
        render_item=_render,
    )
    with context.begin_transaction():
        context.run_migrations()


_given = context.config.attributes.get("connection")
if _given is not None:
    _migrate(_given)
else:
    with Database(settings().database).engine.connect() as _connection:
        _migrate(_connection)
        _connection.commit()
