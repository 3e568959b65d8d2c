"""A row of somebody's table as a label, or why it is none."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from perennial.contracts.labels import Label

SKEW = timedelta(minutes=5)
"""By so much clocks may differ."""
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)

Row = Mapping[str, Any]
"""Values by the names that a label has for them."""


class RowRefused(Exception):
    """A row is no label; the message says why, and holds no value of a person's."""


def to_label(row: Row, written: datetime, now: datetime) -> Label | None:
    """The label that a row is; None while its value is not known.

    Args:
        row: of a table, as its driver reads it.
        written: when the row was, by the watermark.
        now: labels of later are refused.

    Raises:
        RowRefused: it is none.
    """
    value = _plain(row["value"])
    if value is None:
        return None
    told: dict[str, Any] = {"value": value, "at": written}
    for name in ("request_id", "entity"):
        if name in row:
            told[name] = _name(name, row[name])
    if (place := _plain(row.get("row"))) is not None:
        told["row"] = _whole(place)
    for name in ("at", "asked_at"):
        if row.get(name) is not None:
            told[name] = _past(name, row[name], now)
    try:
        label = Label(**told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = str(first["loc"][0]) if first["loc"] else "row"
        raise RowRefused(f"{where}: {first['msg']}") from None
    if label.asked_at is not None and label.at < label.asked_at - SKEW:
        raise RowRefused("at is before asked_at: it was known before it was asked")
    return label


def moment(value: object) -> datetime | None:
    """A time as a table has it; None where it is none. Without a zone it is UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, datetime):
        try:
            aware = value if value.tzinfo else value.replace(tzinfo=UTC)
            return aware.astimezone(UTC)
        except OverflowError:  # beyond the years 1 and 9999 by its zone
            return None
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    return None


def _past(name: str, value: object, now: datetime) -> datetime:
    at = moment(value)
    if at is None:
        raise RowRefused(f"{name} is no time")
    if at > now + SKEW:
        raise RowRefused(f"{name} is in the future: {at:%Y-%m-%d %H:%M:%S}")
    if at < _EARLIEST:
        raise RowRefused(f"{name} is before 1970")
    return at


def _plain(value: Any) -> Any:
    """A value as JSON has it; None where it is missing."""
    if isinstance(value, Decimal):
        if value.is_nan():
            return None
        return int(value) if value.is_finite() and value == value.to_integral() else float(value)
    if isinstance(value, float) and math.isnan(value):
        return None
    return None if value == "" else value


def _name(name: str, value: object) -> str:
    """An id: numbers and UUIDs by their usual text."""
    value = _plain(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # a column of numbers with gaps is one of floats in pandas
    if isinstance(value, str | uuid.UUID) or (isinstance(value, int) and value is not True):
        return str(value)
    raise RowRefused(f"{name} is missing" if value is None else f"{name} is no text")


def _whole(value: object) -> int:
    try:
        number = float(value) if isinstance(value, str | int | float) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not number.is_integer():
        raise RowRefused("row is no whole number")
    return int(number)
