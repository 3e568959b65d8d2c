"""One type for what several libraries have several for: equal rows have an equal digest."""

from __future__ import annotations

import pyarrow as pa
from pyarrow import types


def plain(schema: pa.Schema) -> pa.Schema:
    """The types that a snapshot's columns have, in the same order.

    Text, categories and views of text are text; dates are the moments they begin at; times are of
    microseconds, in UTC where they have a zone; numbers with a fixed point are float64.
    """
    return pa.schema([pa.field(field.name, _plain(field.type)) for field in schema])


def _plain(kind: pa.DataType) -> pa.DataType:
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_large_string(kind) or types.is_string_view(kind):
        return pa.string()
    if types.is_date(kind):
        return pa.timestamp("us")
    if types.is_timestamp(kind):
        return pa.timestamp("us", tz="UTC" if kind.tz else None)
    if types.is_decimal(kind) or types.is_float16(kind):
        return pa.float64()
    return kind
