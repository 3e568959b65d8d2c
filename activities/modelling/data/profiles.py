"""Profiles are made here, and read in `sketches`: what knows whylogs 1.6.4, written for NumPy 1.

Its String type matches by `np.unicode_`, which NumPy 2 has no more, and its pandas path takes 95 %
of its time to look for infinities value by value. Both are gone around here without changing the
library for others.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from whylogs.core.column_profile import ColumnProfile
from whylogs.core.datatypes import Fractional, Integral, StandardTypeMapper, String
from whylogs.core.preprocessing import PreprocessedColumn
from whylogs.core.resolvers import StandardResolver
from whylogs.core.schema import ColumnSchema
from whylogs.core.view.column_profile_view import ColumnProfileView
from whylogs.core.view.dataset_profile_view import DatasetProfileView

from activities.modelling.data.distributions import Counted, notes
from activities.modelling.data.ordered_sketch import Ordered
from activities.modelling.data.sketches import (
    NOTES,
    SIZES,
    Sketch,
    Use,
    estimated,
    sketch_of,
)
from activities.modelling.plain_types import with_gaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


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


_TYPES, _RESOLVER = _Types(), StandardResolver()
"""The library's usual resolver gives the same, and copies all that it could be told each time."""


def profile_frame(frame: pd.DataFrame, at: datetime, use: Use = "window") -> bytes:
    """Profile every column; a time counts as seconds since 1970, a truth value as 0 or 1.

    Args:
        frame: the rows.
        at: the profile's time stamp, with a zone.
        use: that will be made of it.

    Returns:
        The serialized `DatasetProfileView`, the same for the same rows. Of a window up to 66 KB a
        column of fractions, of the others twice as much.
    """
    return profile_and_read(frame, at, use=use)[0]


def profile_parts(
    tables: Iterable[pa.Table], gaps: Collection[str], at: datetime
) -> tuple[bytes, dict[str, Sketch]]:
    """Profile rows of a reference that come in parts; as `profile_and_read` of all of them.

    Args:
        tables: the rows, of one schema.
        gaps: the columns that miss a value somewhere.
        at: the profile's time stamp, with a zone.
    """
    profiles: dict[str, ColumnProfile] = {}
    for table in tables:
        frame = with_gaps(table.to_pandas(), gaps)
        for name in frame.columns:
            profiles[name] = _more(profiles.get(name), name, _as_numbers(frame[name]), "reference")
    views: dict[str, ColumnProfileView] = {}
    sketches: dict[str, Sketch] = {}
    noted: dict[str, list[float]] = {}
    for name, profile in profiles.items():
        numbers = _numbers(profile)
        views[name] = _view(profile)
        if count := numbers.get_n():  # the parts are better known than what is made of them
            noted[name] = [count, *notes(numbers.estimated(), count)]
        sketches[name] = sketch_of(views[name], estimated(views[name], noted.get(name, ())))
    return _serialized(views, at, noted), sketches


def profile_and_read(
    frame: pd.DataFrame, at: datetime, of: str = "", use: Use = "window"
) -> tuple[bytes, dict[str, Sketch]]:
    """What `profile_frame` returns, and what `read_sketches` reads of it.

    Of a window more is known: its numbers are held as float32, and counted where they are cut.

    Args:
        frame: the rows.
        at: the profile's time stamp, with a zone.
        of: whose profile it is; kept in it, so that no two have the same bytes.
        use: that will be made of it.
    """
    views: dict[str, ColumnProfileView] = {}
    sketches: dict[str, Sketch] = {}
    noted: dict[str, list[float]] = {}
    for name, view, known in _columns(frame, use):
        views[name] = view
        if known is None:
            sketches[name] = sketch_of(view)
        elif use != "reference" or not len(known):
            with np.errstate(over="ignore"):  # as the model gets them, and half of the memory
                sketches[name] = sketch_of(view, Counted(known.astype(np.float32)))
        else:  # many windows are compared with it, when its rows are gone
            noted[name] = [len(known), *notes(Counted(known), len(known))]
            sketches[name] = sketch_of(view, estimated(view, noted[name]))
    return _serialized(views, at, noted, of), sketches


def sketch_frame(frame: pd.DataFrame) -> dict[str, Sketch]:
    """What `profile_and_read` reads of a window's rows; no profile is kept."""
    return {
        name: sketch_of(view, None if known is None else Counted(known))
        for name, view, known in _columns(frame, "window")
    }


def _columns(
    frame: pd.DataFrame, use: Use
) -> Iterator[tuple[str, ColumnProfileView, Floats | None]]:
    """The name and the view of each, and of one of numbers those that are known, ascending."""
    for name in frame.columns:
        column, known = _as_numbers(frame[name]), None
        if pd.api.types.is_numeric_dtype(column):
            known = _known(column)
        view = _view(_more(None, str(name), column, use, known))
        yield str(name), view, known


def _serialized(
    views: dict[str, ColumnProfileView],
    at: datetime,
    noted: dict[str, list[float]],
    of: str = "",
) -> bytes:
    said = ({"perennial.of": of} if of else {}) | ({NOTES: json.dumps(noted)} if noted else {})
    view = DatasetProfileView(
        columns=views,
        dataset_timestamp=at,
        creation_timestamp=at,
        metadata=said or None,
    )
    serialized: bytes = view.serialize()
    return serialized


def _more(
    profile: ColumnProfile | None,
    name: str,
    column: pd.Series,
    use: Use,
    known: Floats | None = None,
) -> ColumnProfile:
    """The profile of a column with some more values, which are of the same type.

    Args:
        profile: so far; None where these are the first.
        name: of the column.
        column: as `_as_numbers` has it.
        use: that will be made of it.
        known: what `_known` has of it, where that is at hand.
    """
    if profile is None:
        schema = ColumnSchema(column.dtype, type_mapper=_TYPES, resolver=_RESOLVER)
        profile = ColumnProfile(name, schema, cache_size=1)
        if (distribution := profile._metrics.get("distribution")) is not None:
            distribution.kll.set(Ordered(SIZES[use]))
    if pd.api.types.is_float_dtype(column):
        with np.errstate(invalid="ignore", over="ignore"):  # the deviation of an infinity is none
            profile._process_extracted_column(_fractions(column, known))
    elif isinstance(column.dtype, pd.StringDtype) and len(column):
        _count_texts(profile, column)
    else:
        profile.track_column(column)
    return profile


def _numbers(profile: ColumnProfile) -> Ordered:
    """Those that it has seen so far; they are still to be made a sketch."""
    profile.flush()
    distribution = profile._metrics.get("distribution")
    numbers: Ordered = (
        Ordered(SIZES["reference"]) if distribution is None else distribution.kll.value
    )
    return numbers


def _view(profile: ColumnProfile) -> ColumnProfileView:
    """What it has seen; it sees no more."""
    numbers = _numbers(profile)
    if (distribution := profile._metrics.get("distribution")) is not None:
        distribution.kll.set(numbers.sketch())
    return profile.view()


def _as_numbers(column: pd.Series) -> pd.Series:
    """A time as seconds since 1970, a truth value as 0 or 1; others as they are."""
    if pd.api.types.is_datetime64_any_dtype(column):
        epoch = pd.Timestamp(0, tz=column.dt.tz)
        return (column - epoch) / pd.Timedelta(seconds=1)
    return column.astype("int64") if pd.api.types.is_bool_dtype(column) else column


def _count_texts(profile: ColumnProfile, column: pd.Series) -> None:
    """Each text once, with how often it is there; the library takes every row by itself."""
    counted = pc.value_counts(pa.array(column, pa.large_string(), from_pandas=True).drop_null())
    texts, often = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
    if 2 * len(texts) > len(column):  # hardly any text is there twice
        profile.track_column(column)
        return
    metrics, known = profile._metrics, sum(often)
    rows, once = PreprocessedColumn(), PreprocessedColumn()
    rows.len = len(column)
    rows.null_count = rows.nan_count = len(column) - known
    once.len, once.list.strings = len(texts), texts
    metrics["counts"].columnar_update(rows)
    metrics["cardinality"].columnar_update(once)
    metrics["types"].string.set(metrics["types"].string.value + known)
    frequent = metrics["frequent_items"]
    for text, count in zip(texts, often, strict=True):
        frequent.frequent_strings.value.update(text[: frequent.max_frequent_item_size], count)


def _known(column: pd.Series) -> Floats:
    """Its numbers without those that are missing, ascending.

    Their sketch is made of what is in order, and their mean is the same for any order of rows.
    """
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    known: Floats = values[~np.isnan(values)]
    known.sort()
    return known


def _fractions(column: pd.Series, known: Floats | None) -> PreprocessedColumn:
    if known is None:
        known = _known(column)
    extracted = PreprocessedColumn()
    extracted.len = len(column)
    extracted.null_count = extracted.nan_count = len(column) - len(known)
    extracted.inf_count = int(np.isinf(known).sum())
    extracted.numpy.floats = known
    return extracted
