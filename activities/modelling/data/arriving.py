"""Rows as a project brings them: checked, and in parts of one plain schema."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import types

from activities.modelling.data.frames import answering, check_frame, load_rows, to_table
from activities.modelling.plain_types import plain
from activities.modelling.projects import Project, check_columns
from activities.modelling.values import row_names
from perennial.authoring import Features, ModelProject
from perennial.contracts.errors import ProjectInvalid, SourceInvalid
from perennial.contracts.spec import Source

LARGEST_CELL = 1 << 24
"""Bytes of one value. Rows travel through memory in parts; a value cannot."""


@dataclass(frozen=True)
class Arriving:
    """Rows on their way.

    Attributes:
        schema: of each table.
        tables: that fit in memory, one at a time; can be gone through once.
    """

    schema: pa.Schema
    tables: Iterator[pa.Table]


def rows_of(
    project: Project, source: Source, features: Features, largest_cell: int = LARGEST_CELL
) -> Arriving:
    """Have the project bring its rows.

    Raises:
        SourceInvalid: nothing there, a column that is missing or cannot play its part, a value
            that is larger than `largest_cell` bytes.
        ProjectInvalid: load() or batches() raised, or returned something else.
        Unavailable: the place did not answer, or changed while it was read.
    """
    kind = type(project.own)
    if kind.load is not ModelProject.load and kind.batches is ModelProject.batches:
        frame = load_rows(project, source)
        where = f"source {source.uri!r}"
        check_frame(frame, features, where)
        table = to_table(frame, features, where)
        arriving = Arriving(table.schema, iter([table]))
    else:
        arriving = _in_parts(project, source, features)
    checked = _checked(arriving, features, source, largest_cell)
    return Arriving(arriving.schema, checked)


def _in_parts(project: Project, source: Source, features: Features) -> Arriving:
    where = f"source {source.uri!r}"
    with project.calling("batches"), answering(source):
        parts = iter(project.own.batches(source))
        first = next(parts, None)
    if first is None:
        raise SourceInvalid(f"{where} has no rows; a model needs some")
    if not isinstance(first, pa.RecordBatch):
        raise ProjectInvalid(
            f"{project.name}: batches() gave a {type(first).__name__} instead of a pyarrow "
            f"RecordBatch; mend the project and run again"
        )
    names = first.schema.names
    if twice := [name for name in names if names.count(name) > 1]:
        raise SourceInvalid(f"{where}: two columns are called {twice[0]!r}")
    schema = plain(first.schema)
    check_columns(names, features, where)

    def tables() -> Iterator[pa.Table]:
        with project.calling("batches"), answering(source):
            for batch in chain([first], parts):
                if not batch.schema.equals(first.schema):
                    raise SourceInvalid(
                        f"{where}: batches() gave parts with other columns or types than the "
                        f"first: {_difference(first.schema, batch.schema)}"
                    )
                yield pa.Table.from_batches([batch]).cast(schema)

    _check_types(schema, features, where, tables)
    return Arriving(schema, tables())


def _check_types(schema: pa.Schema, features: Features, where: str, tables: object) -> None:
    for name in features.numbers:
        kind = schema.field(name).type
        if any(
            is_kind(kind)
            for is_kind in (types.is_integer, types.is_floating, types.is_boolean, types.is_null)
        ):
            continue
        example = _strange(tables, name, features.key)
        raise SourceInvalid(
            f"{where}: column {name!r} should hold numbers, but holds {kind}{example}; "
            f"mend the source, or name it categorical"
        )
    if features.time is not None:
        kind = schema.field(features.time).type
        if not types.is_timestamp(kind) and not types.is_null(kind):
            raise SourceInvalid(
                f"{where}: column {features.time!r} should hold dates and times, but holds "
                f"{kind}; write them as 2024-01-31 or 2024-01-31T12:00:00Z, or convert them in "
                f"the project's own batches() or load()"
            )


def _strange(tables: object, name: str, key: str | None) -> str:
    """The first value that is no number, and its row; the source is read up to it."""
    before = 0
    for table in tables():  # type: ignore[operator]
        column = table[name].to_pandas()
        bad = pd.to_numeric(column, errors="coerce").isna() & column.notna()
        at = np.flatnonzero(bad.to_numpy())[:1]
        if len(at):
            named = key is not None and key in table.column_names
            rows = table.select([key]).to_pandas() if named else pd.DataFrame()
            row = row_names(rows, key, at)[0] if named else f"row {before + int(at[0])}"
            return f" ({column.iloc[at[0]]!r} in {row})"
        before += len(table)
    return ""


def _checked(
    arriving: Arriving, features: Features, source: Source, largest_cell: int
) -> Iterator[pa.Table]:
    where, mark = f"source {source.uri!r}", source.watermark
    if mark is not None and mark not in arriving.schema.names:
        raise SourceInvalid(
            f"{where} has no column {mark!r}, which source.watermark names; it has "
            f"{', '.join(arriving.schema.names[:40])}"
        )
    return _each(arriving, features, source, where, largest_cell)


def _each(
    arriving: Arriving, features: Features, source: Source, where: str, largest_cell: int
) -> Iterator[pa.Table]:
    sized = [
        field.name
        for field in arriving.schema
        if types.is_string(field.type)
        or types.is_binary(field.type)
        or types.is_large_binary(field.type)
    ]
    mark = source.watermark
    for table in arriving.tables:
        for name in sized:
            largest = pc.max(pc.binary_length(table[name])).as_py() or 0
            if largest > largest_cell:
                at = pc.index(pc.binary_length(table[name]), largest).as_py()
                key = features.key
                row = f" in {table[key][at].as_py()}" if key and key != name else ""
                raise SourceInvalid(
                    f"{where}: column {name!r} holds a value of {largest:,} bytes{row}, and "
                    f"{largest_cell:,} are the most; keep such values elsewhere, and their "
                    f"addresses in the table"
                )
        if mark is not None:
            table = _of_interest(table, mark, source, where)
        yield table


def _of_interest(table: pa.Table, mark: str, source: Source, where: str) -> pa.Table:
    column = table[mark]
    if column.null_count:
        raise SourceInvalid(
            f"{where}: column {mark!r} is missing in some rows; a watermark must be in each, or "
            f"new rows without one would never be read"
        )
    if source.as_of is not None and types.is_timestamp(column.type):
        table = table.filter(pc.less_equal(column, scalar(source.as_of, column.type)))
    if source.since is not None:
        least = scalar(source.since, column.type)
        table = table.filter(pc.greater_equal(table[mark], least))
    return table


def scalar(value: datetime | int | float | str, kind: pa.DataType) -> pa.Scalar:
    """A value as one of a column's type; a time without a zone is UTC."""
    if isinstance(value, datetime) and types.is_timestamp(kind) and kind.tz is None:
        value = value.replace(tzinfo=None)
    return pa.scalar(value, kind)


def _difference(first: pa.Schema, other: pa.Schema) -> str:
    for field in first:
        place = other.get_field_index(field.name)
        if place < 0:
            return f"{field.name!r} is missing"
        if other.field(place).type != field.type:
            return f"{field.name!r} is {other.field(place).type} and was {field.type}"
    return "there are more, or their order is another"
