"""One schema for rows that come in parts, whatever each part by itself looks like."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from perennial.contracts.errors import SourceInvalid

if TYPE_CHECKING:
    import pyarrow as pa


def united(schemas: Iterable[pa.Schema], where: str, *, as_text: bool = False) -> pa.Schema:
    """The columns of all parts, in the order in which they come, each of a type that holds all.

    Args:
        schemas: of the parts.
        where: what a message calls the source.
        as_text: whether a column of mixed types may become text, as the fields of a CSV can.

    Raises:
        SourceInvalid: a column mixes types.
    """
    import pyarrow as pa

    found: dict[str, pa.DataType] = {}
    for schema in schemas:
        for field in schema:
            known = found.get(field.name)
            kind = field.type if known is None else _wider(known, field.type)
            if kind is None and as_text:
                kind = pa.string()
            if kind is None:
                raise SourceInvalid(
                    f"{where}: column {field.name!r} mixes types: {known} in one part, "
                    f"{field.type} in another; make them one in the source, or in the project's "
                    f"own load()"
                )
            found[field.name] = kind
    return pa.schema(found.items())


def cast(batch: pa.RecordBatch, schema: pa.Schema, where: str) -> pa.RecordBatch:
    """The batch with these columns; those that it has not are missing in every row.

    Raises:
        SourceInvalid: a value does not fit its column.
    """
    import pyarrow as pa

    if batch.schema.equals(schema):
        return batch
    columns = []
    for field in schema:
        place = batch.schema.get_field_index(field.name)
        if place < 0:
            columns.append(pa.nulls(batch.num_rows, field.type))
            continue
        try:
            columns.append(batch.column(place).cast(field.type))
        except pa.ArrowException as error:
            raise SourceInvalid(
                f"{where}: column {field.name!r} holds what is no {field.type}: {error}"
            ) from error
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _wider(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    import pyarrow as pa
    from pyarrow import types

    if one == other or types.is_null(other):
        return one
    if types.is_null(one):
        return other
    if types.is_dictionary(one):
        return _wider(one.value_type, other)
    if types.is_dictionary(other):
        return _wider(one, other.value_type)
    both = (one, other)
    if all(types.is_integer(kind) for kind in both):
        return pa.int64()
    if all(types.is_integer(kind) or types.is_floating(kind) for kind in both):
        return pa.float64()
    if all(map(_is_text, both)):
        return pa.string()
    if all(types.is_date(kind) or types.is_timestamp(kind) for kind in both):
        zones = {kind.tz for kind in both if types.is_timestamp(kind)}
        # an instant and a time of no known place cannot be one column
        return pa.timestamp("us", zones.pop()) if len(zones) == 1 else None
    return None


def _is_text(kind: pa.DataType) -> bool:
    from pyarrow import types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))
