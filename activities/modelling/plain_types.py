"""One type for what several libraries have several for: equal rows have an equal digest."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd
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


def with_gaps(frame: pd.DataFrame, gaps: Collection[str]) -> pd.DataFrame:
    """A part of a table's rows in the types that pandas has for all of them.

    Args:
        frame: the part. Its columns may be replaced.
        gaps: the columns that miss a value in some row: pandas has another type for whole numbers
            and truth values then, also in a part that misses none.
    """
    for name in frame.columns:
        if name in gaps and pd.api.types.is_integer_dtype(frame[name]):
            frame[name] = frame[name].astype("float64")
        elif name in gaps and pd.api.types.is_bool_dtype(frame[name]):
            frame[name] = frame[name].astype("object")
    return frame
