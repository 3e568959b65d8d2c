"""Rows as people write them, `{"instances": [{"column": value}]}`, and as models take them."""

from __future__ import annotations

from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from perennial.values import text
from serving.errors import BadRow, RequestRefused, TooLarge
from serving.numbers import floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from serving.columns import Input
    from serving.model import Model


def to_inputs(model: Model, rows: Any, most: int) -> dict[str, NDArray[Any]]:
    """What a model is fed for rows.

    Args:
        model: whose columns they hold; others are ignored.
        rows: a list of objects.
        most: rows that are taken at once.

    Raises:
        RequestRefused: it is no list, or an empty one.
        TooLarge: there are more than `most`.
        BadRow: a row is no object, lacks a column, or has a value of another kind.
    """
    if not isinstance(rows, list) or not rows:
        raise RequestRefused("`instances` must be a list of one row or more, each an object")
    if len(rows) > most:
        raise TooLarge(f"{len(rows)} rows are more than the {most} that are taken at once")
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise BadRow(f"row {number} is no object of columns and values", number)
    return {each.name: _input(each, rows) for each in model.inputs}


def value_of(name: str, rows: Any) -> bytes | None:
    """What the first row has in a column, as text; None where it has nothing."""
    if not isinstance(rows, list) or not rows or not isinstance(rows[0], dict):
        return None
    value = rows[0].get(name)
    return None if value is None else text(value).encode()


def _input(each: Input, rows: list[dict[str, Any]]) -> NDArray[Any]:
    try:
        if each.text:
            name = each.columns[0]
            return np.array([[_text(row[name])] for row in rows], dtype=object)
        of = itemgetter(*each.columns)
        values = [of(row) for row in rows]
        flat = values if len(each.columns) == 1 else list(chain.from_iterable(values))
        return floats(flat).reshape(len(rows), len(each.columns))
    except (KeyError, TypeError, ValueError):
        raise _blame(each, rows) from None


def _blame(each: Input, rows: list[dict[str, Any]]) -> BadRow:
    """The first row that cannot be read, and why."""
    for number, row in enumerate(rows):
        for name in each.columns:
            if name not in row:
                return BadRow(
                    f"row {number} has no column {name!r}; give null where it is not known", number
                )
            try:
                _text(row[name]) if each.text else floats([row[name]])
            except (TypeError, ValueError):
                kind = "text, a number, true, false or null" if each.text else "a number or null"
                return BadRow(
                    f"row {number}, column {name!r}: {str(row[name])[:60]!r} is not {kind}", number
                )
    raise AssertionError("called for rows of which one cannot be read")


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return text(value)
    raise TypeError
