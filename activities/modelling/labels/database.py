"""Labels out of a database: rows of a query, in the order in which they were written."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from perennial.contracts.label_table import LabelTable

WRITTEN = " watermark"
"""Of a row, beside the columns of a label."""
_TIMES = ("at", "asked_at")
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)
_AT_ONCE = 5000
_CONNECT_SECONDS = 10


def read_query(address: str, table: LabelTable, since: datetime | None) -> Iterator[dict[str, Any]]:
    """Rows that were written at a time or later, the oldest first.

    Rows without a time, or with one that no calendar has, are no rows.

    The query is the inner one of a SELECT, in a transaction that may only read.

    Args:
        address: SQLAlchemy URL, with its password.
        table: what to read.
        since: None: from the beginning.

    Yields:
        Values by the names that a label has for them, and `WRITTEN`.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database is away, or refuses the query.
        ImportError: there is no driver for it.
    """
    url = sa.make_url(address)
    postgres = url.get_backend_name() == "postgresql"
    engine = sa.create_engine(
        url,
        poolclass=NullPool,
        connect_args={"connect_timeout": _CONNECT_SECONDS} if postgres else {},
    )
    with engine.connect() as plain:
        connection = plain.execution_options(postgresql_readonly=True)
        if postgres:  # what has no zone is compared as UTC, and nothing waits for ever
            connection.execute(sa.text("SET LOCAL TIME ZONE 'UTC'"))
            connection.execute(sa.text("SET LOCAL DateStyle = 'ISO'"))
            connection.execute(sa.text("SET LOCAL statement_timeout = '10min'"))
        rows = connection.execute(
            _select(table, since), execution_options={"stream_results": True, "yield_per": _AT_ONCE}
        )
        for row in rows.mappings():
            yield dict(row)


def _select(table: LabelTable, since: datetime | None) -> sa.Select[Any]:
    assert table.query is not None
    named = table.columns.named()
    # a colon of the query begins no parameter of ours
    query = sa.text(table.query.replace(":", r"\:"))
    written: sa.ColumnClause[Any] = sa.column(table.watermark, sa.DateTime(timezone=True))
    others: list[sa.ColumnClause[Any]] = [
        sa.column(name) for name in {*named.values()} - {table.watermark}
    ]
    rows = query.columns(written, *others).subquery("labels")
    at = rows.c[table.watermark]
    wanted = [
        # one time that Python cannot hold, such as PostgreSQL's infinity, would hold up all rows
        (sa.cast(rows.c[theirs], sa.Text) if ours in _TIMES else rows.c[theirs]).label(ours)
        for ours, theirs in named.items()
    ]
    return (
        sa.select(at.label(WRITTEN), *wanted)
        .where(at >= (since or _EARLIEST), at <= _LATEST)
        .order_by(at)
    )
