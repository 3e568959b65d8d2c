"""Pages by key: a cursor is the key of the last item seen, so nothing is skipped or repeated."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Column, Select, literal, tuple_
from sqlmodel import Session

from perennial.contracts.errors import BadInput

Row = TypeVar("Row")


class CursorInvalid(BadInput):
    """A cursor that no list of this kind gave."""


def page(
    session: Session,
    statement: Select[Row],
    key: Sequence[Any],
    cursor: str | None,
    limit: int,
    *,
    ascending: bool = False,
) -> tuple[list[Row], str | None]:
    """One page of the rows of a statement, and the cursor of the next page, if there is one.

    Args:
        session: where to read.
        statement: selects one entity.
        key: columns that order the rows and tell any two apart.
        cursor: of the page before.
        limit: rows on a page.
        ascending: smallest key first; else largest first.

    Raises:
        CursorInvalid: the cursor is not one of this list.
    """
    columns: list[Column[Any]] = [item.expression for item in key]
    if cursor is not None:
        bound = tuple_(
            *(
                literal(value, column.type)
                for value, column in zip(_decode(cursor, columns), columns, strict=True)
            )
        )
        place = tuple_(*columns)
        statement = statement.where(place > bound if ascending else place < bound)
    order = [column.asc() if ascending else column.desc() for column in columns]
    rows = list(session.scalars(statement.order_by(*order).limit(limit + 1)))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], _encode([getattr(last, column.key) for column in columns])


def _encode(values: list[Any]) -> str:
    plain = [v.isoformat() if isinstance(v, datetime) else v for v in values]
    return base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip("=")


def _decode(cursor: str, columns: list[Column[Any]]) -> list[Any]:
    wrong = CursorInvalid(
        f"{cursor[:40]!r} is not a cursor of this list; leave it out to start with the first page"
    )
    try:
        values = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", True))
    except (binascii.Error, ValueError, RecursionError):
        raise wrong from None
    if not isinstance(values, list) or len(values) != len(columns):
        raise wrong
    return [_value(value, column, wrong) for value, column in zip(values, columns, strict=True)]


def _value(value: Any, column: Column[Any], wrong: CursorInvalid) -> Any:
    kind = getattr(column.type, "impl_instance", column.type).python_type
    if kind is datetime and isinstance(value, str):
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise wrong from None
        if at.tzinfo is None or not 1 < at.year < 9999:
            raise wrong
        return at
    if kind is str and isinstance(value, str) and "\0" not in value and value.isprintable():
        return value
    if kind is int and type(value) is int and abs(value) < 2**31:
        return value
    raise wrong
