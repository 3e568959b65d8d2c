"""Rows of a batch, checked against what their model is asked with and what it answers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from perennial.contracts.base import Json
from perennial.contracts.errors import BadInput
from perennial.contracts.request_log import STRUCT_COLUMNS
from perennial.contracts.serving import CHAMPION
from perennial.values import text

AT, REQUEST_ID, ROW, ENTITY = "at", "request_id", "row", "entity"
PREDICTION, PROBABILITY = "prediction", "probability."
_LONGEST = 200
"""Characters of an id, as labels have them."""


class BatchInvalid(BadInput):
    """Rows of a batch do not fit the model or the log; the message says which, and why."""


@dataclass(frozen=True)
class Scored:
    """What a version is asked with and answers, in the order of its file.

    Attributes:
        inputs: by name: the columns that it is made of.
        texts: inputs that take text; the others take numbers.
        classes: of its answers; empty where it predicts numbers.
    """

    inputs: dict[str, tuple[str, ...]]
    texts: frozenset[str]
    classes: tuple[str, ...]

    @classmethod
    def of(cls, names: Sequence[str], meta: Json) -> Scored:
        """From an exported file: its inputs, and what it says of itself."""
        vectors = meta["vectors"]
        return cls(
            {name: tuple(vectors.get(name, [name])) for name in names},
            frozenset(meta["categorical"]),
            tuple(meta["classes"]),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """All that the model is asked with."""
        return tuple(column for columns in self.inputs.values() for column in columns)

    @property
    def answers(self) -> tuple[str, ...]:
        """Columns of its answers."""
        return tuple(f"{PROBABILITY}{name}" for name in self.classes) or (PREDICTION,)

    def logged(self, table: pa.Table, version: int, epoch: int) -> pa.Table:
        """Rows as `serving.log_files` writes them."""
        rows = table.num_rows
        flat = {name: table[name].combine_chunks() for name in table.column_names}

        def same(value: Any, kind: pa.DataType) -> pa.Array:
            return pa.repeat(pa.scalar(value, kind), rows)

        inputs = {}
        for name, columns in self.inputs.items():
            values = [flat[f"inputs.{column}"] for column in columns]
            inputs[name] = values[0] if len(values) == 1 else _vector(columns, values)
        answers = {
            name: flat[f"answer.{column}"]
            for name, column in zip(self.classes or ("value",), self.answers, strict=True)
        }
        vectors = {name: list(cols) for name, cols in self.inputs.items() if len(cols) > 1}
        said = {"vectors": vectors, "classes": self.classes}
        columns_ = {
            AT: flat[AT],
            REQUEST_ID: flat[REQUEST_ID],
            ROW: flat[ROW],
            "variant": same(CHAMPION, pa.string()),
            "version": same(version, pa.int32()),
            "epoch": same(epoch, pa.int32()),
            "copy": same(False, pa.bool_()),
            "named": same(False, pa.bool_()),
            ENTITY: flat[ENTITY],
            "seconds": same(0.0, pa.float32()),
            "inputs": pa.StructArray.from_arrays(list(inputs.values()), names=list(inputs)),
            "answer": pa.StructArray.from_arrays(list(answers.values()), names=list(answers)),
        }
        return pa.table(columns_).replace_schema_metadata({"perennial": json.dumps(said)})


def check(
    table: pa.Table,
    scored: Scored,
    batch: str,
    at: datetime | None,
    oldest: datetime | None,
    latest: datetime,
) -> pa.Table:
    """Rows in the order of their time, with `inputs.COLUMN` and `answer.COLUMN` beside our own.

    Args:
        table: as the job has it.
        scored: what the model is asked with and answers.
        batch: its name, which is that of its requests too where they have none.
        at: when rows are of that do not say it.
        oldest: earlier rows are refused; None: from 1970 on.
        latest: later ones are.

    Raises:
        BatchInvalid: they do not fit.
    """
    if missing := [n for n in (*scored.columns, *scored.answers) if n not in table.column_names]:
        raise BatchInvalid(
            f"batch {batch!r} has no column {missing[0]!r}; the model is asked with "
            f"{', '.join(scored.columns)}, and its answers are {', '.join(scored.answers)}"
        )
    rows = table.num_rows
    own = {n: table[n] for n in (AT, REQUEST_ID, ENTITY) if _is_own(table, scored, n)}
    told = {AT: _times(own.get(AT), at, rows, oldest or datetime(1970, 1, 1, tzinfo=UTC), latest)}
    told |= _names(own, batch, rows)
    for input_, columns in scored.inputs.items():
        for name in columns:
            convert = _texts if input_ in scored.texts else _numbers
            told[f"inputs.{name}"] = convert(table[name], name)
    for name in scored.answers:
        told[f"answer.{name}"] = answer = _numbers(table[name], name)
        if name != PREDICTION or scored.classes:
            _is_probability(answer, name)
        elif answer.null_count:
            raise BatchInvalid(f"column {name!r} has {answer.null_count:,} missing values")
    return pa.table(told).sort_by([(AT, "ascending")])


def of_hour(table: pa.Table) -> Iterator[tuple[datetime, pa.Table]]:
    """Rows by the hour, the oldest first. They are in the order of their time."""
    hours = pc.floor_temporal(table[AT], unit="hour")
    counts = {each["values"]: each["counts"] for each in pc.value_counts(hours).to_pylist()}
    first = 0
    for hour in sorted(counts):
        yield hour, table.slice(first, counts[hour])
        first += counts[hour]


def _is_own(table: pa.Table, scored: Scored, name: str) -> bool:
    # what the model is asked with is that, whatever it is called
    return name in table.column_names and name not in scored.columns


def _times(
    column: pa.ChunkedArray | None,
    at: datetime | None,
    rows: int,
    oldest: datetime,
    latest: datetime,
) -> pa.Array:
    kind = pa.timestamp("us", "UTC")
    if column is None:
        if at is None or at.tzinfo is None:
            raise BatchInvalid("rows have no column 'at': say when they are of, with a zone, as at")
        found = pa.repeat(pa.scalar(at.astimezone(UTC), kind), rows)
    elif pa.types.is_timestamp(column.type) and column.type.tz is not None:
        found = pc.cast(column, kind, safe=False).combine_chunks()
    else:
        raise BatchInvalid(f"column 'at' holds times with a zone, not {column.type}")
    if found.null_count:
        raise BatchInvalid(f"column 'at' has {found.null_count:,} missing values")
    ends = pc.min_max(found).as_py()
    if ends["min"] < oldest or ends["max"] > latest:
        raise BatchInvalid(
            f"rows are of {ends['min']:%Y-%m-%d %H:%M} to {ends['max']:%Y-%m-%d %H:%M}, and the "
            f"log keeps those of {oldest:%Y-%m-%d %H:%M} to {latest:%Y-%m-%d %H:%M} (UTC)"
        )
    return found


def _names(own: dict[str, pa.ChunkedArray], batch: str, rows: int) -> dict[str, pa.Array]:
    """Ids of requests: a row is a request of its own, or one of those that have its id."""
    entity = own.get(ENTITY)
    entities = pa.nulls(rows, pa.string()) if entity is None else _ids(entity, ENTITY)
    if REQUEST_ID not in own:
        ids = pa.array([f"{batch}/{number}" for number in range(rows)], pa.string())
        return {REQUEST_ID: ids, ROW: pa.repeat(pa.scalar(0, pa.int32()), rows), ENTITY: entities}
    ids = _ids(own[REQUEST_ID], REQUEST_ID)
    if ids.null_count:
        raise BatchInvalid(f"column {REQUEST_ID!r} has {ids.null_count:,} missing values")
    seen: dict[str, int] = {}
    places = []
    for name in ids.to_pylist():
        places.append(seen.setdefault(name, 0))
        seen[name] += 1
    return {REQUEST_ID: ids, ROW: pa.array(places, pa.int32()), ENTITY: entities}


def _ids(column: pa.ChunkedArray, name: str) -> pa.Array:
    found = _texts(column, name, missing=None)
    longest = pc.max(pc.utf8_length(found)).as_py()
    if longest is not None and longest > _LONGEST:
        raise BatchInvalid(
            f"column {name!r} has an id of {longest:,} characters: {_LONGEST} at most"
        )
    return found


def _numbers(column: pa.ChunkedArray, name: str) -> pa.Array:
    kind = column.type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)):
        raise BatchInvalid(f"column {name!r} holds numbers, not {kind}")
    found = pc.cast(column, pa.float32(), safe=False).combine_chunks()
    return pc.if_else(pc.is_nan(found), pa.scalar(None, pa.float32()), found)


def _texts(column: pa.ChunkedArray, name: str, missing: str | None = "") -> pa.Array:
    """Texts as the data plane reads categories: `3.0` is `3`, and what is missing is empty."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = pc.cast(column, kind.value_type), kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind):
        found = pc.cast(column, pa.string())
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        values = [None if each is None else text(each) for each in column.to_pylist()]
        found = pa.chunked_array([pa.array(values, pa.string())])
    else:
        raise BatchInvalid(f"column {name!r} holds text, numbers or truth values, not {kind}")
    found = found.combine_chunks()
    return found if missing is None else pc.fill_null(found, missing)


def _is_probability(column: pa.Array, name: str) -> None:
    ends = pc.min_max(column).as_py()
    if column.null_count or ends["min"] < 0 or ends["max"] > 1:
        raise BatchInvalid(
            f"column {name!r} holds probabilities from 0 to 1, none of them missing; it has "
            f"{ends['min']} to {ends['max']}, and {column.null_count:,} missing"
        )


def _vector(columns: Sequence[str], values: Sequence[pa.Array]) -> pa.Array:
    if len(columns) <= STRUCT_COLUMNS:
        return pa.StructArray.from_arrays(list(values), names=list(columns))
    # row by row: the values of one row stand side by side
    width, rows = len(columns), len(values[0])
    order = [rows * place + row for row in range(rows) for place in range(width)]
    numbers = pa.concat_arrays(values).take(pa.array(order))
    return pa.FixedSizeListArray.from_arrays(numbers, width)
