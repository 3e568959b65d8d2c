"""The one place that knows whylogs 1.6.4, which was written for NumPy 1.

Its String type matches by `np.unicode_`, which NumPy 2 has no more, and its pandas path takes 95 %
of its time to look for infinities value by value. Both are gone around here without changing the
library for others.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from whylogs.core.column_profile import ColumnProfile
from whylogs.core.datatypes import Fractional, Integral, StandardTypeMapper, String
from whylogs.core.preprocessing import PreprocessedColumn
from whylogs.core.schema import ColumnSchema
from whylogs.core.view.dataset_profile_view import DatasetProfileView


class _Text(String):  # type: ignore[misc]
    @classmethod
    def _do_match(cls, dtype_or_type: Any, maybe_type: Any) -> bool:
        if getattr(dtype_or_type, "name", None) in ("object", "category"):
            return True
        kind = maybe_type or dtype_or_type
        return isinstance(kind, type) and issubclass(kind, str)  # NumPy's text is a str, too


class _Types(StandardTypeMapper):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self._all_types = [Integral, Fractional, _Text]


def profile_frame(frame: pd.DataFrame, at: datetime) -> bytes:
    """Profile every column; a time counts as seconds since 1970, a truth value as 0 or 1.

    Args:
        frame: the rows.
        at: the profile's time stamp, with a zone.

    Returns:
        The serialized `DatasetProfileView`. About 25 KB a column of fractions.
    """
    columns = {str(name): _profile(str(name), frame[name]).view() for name in frame.columns}
    view = DatasetProfileView(columns=columns, dataset_timestamp=at, creation_timestamp=at)
    serialized: bytes = view.serialize()
    return serialized


def read_profile(serialized: bytes) -> DatasetProfileView:
    """The profile that `profile_frame` wrote."""
    return DatasetProfileView.deserialize(serialized)


def _profile(name: str, column: pd.Series) -> ColumnProfile:
    if pd.api.types.is_datetime64_any_dtype(column):
        epoch = pd.Timestamp(0, tz=column.dt.tz)
        column = (column - epoch) / pd.Timedelta(seconds=1)
    elif pd.api.types.is_bool_dtype(column):
        column = column.astype("int64")
    profile = ColumnProfile(name, ColumnSchema(column.dtype, type_mapper=_Types()), cache_size=1)
    if pd.api.types.is_float_dtype(column):
        profile._process_extracted_column(_fractions(column))
    else:
        profile.track_column(column)
    return profile


def _fractions(column: pd.Series) -> PreprocessedColumn:
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    known = values[~np.isnan(values)]
    extracted = PreprocessedColumn()
    extracted.len = len(values)
    extracted.null_count = extracted.nan_count = len(values) - len(known)
    extracted.inf_count = int(np.isinf(known).sum())
    extracted.numpy.floats = known
    return extracted
