"""Rows of a query, by SQLAlchemy."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perennial.authoring.schemas import cast, united
from perennial.authoring.secrets import Resolved
from perennial.contracts.errors import SourceInvalid, Unavailable
from perennial.contracts.spec import Source

if TYPE_CHECKING:
    import pyarrow as pa
    from sqlalchemy import Connection, CursorResult

_ROWS = 20_000


def read(address: Resolved, source: Source) -> Iterator[pa.RecordBatch]:
    """What `source.query` answers, in one statement: the rows of one moment.

    The query may use `:as_of`. Rows wait in a file until the last one has come, since only then
    the columns' types are known. Numbers with a fixed point become float64.

    Raises:
        SourceInvalid: the query fails, or the URL is of no known database.
        Unavailable: the database does not answer.
    """
    import pyarrow as pa
    from sqlalchemy import create_engine
    from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

    where = f"source {source.uri!r}"
    try:
        engine = create_engine(address.value)
    except (SQLAlchemyError, ImportError) as error:
        raise SourceInvalid(
            f"{where} is no URL of a database that is known here: {address.shown(error)}"
        ) from None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.arrow"
        try:
            with engine.connect() as connection:
                schemas = _keep(_asked(connection, source), path, where)
        # no chain: the driver's own error may tell what the URL holds
        except (OperationalError, InterfaceError) as error:
            if _refused(error):
                raise _failed(where, address, error) from None
            raise Unavailable(f"{where} did not answer: {address.shown(error.orig)}") from None
        except SQLAlchemyError as error:
            raise _failed(where, address, error) from None
        except OSError as error:
            raise Unavailable(f"{where}: no room for its rows in {folder}: {error}") from error
        finally:
            engine.dispose()
        schema = united(schemas, where)
        for number in range(len(schemas)):
            with pa.OSFile(f"{path}{number}") as file, pa.ipc.open_stream(file) as kept:
                for batch in kept:
                    yield cast(batch, schema, where)
            Path(f"{path}{number}").unlink()


def _failed(where: str, address: Resolved, error: Any) -> SourceInvalid:
    said = address.shown(getattr(error, "orig", None) or error).strip()
    return SourceInvalid(f"{where}: the query fails: {said}; mend source.query in the spec")


def _refused(error: Any) -> bool:
    """Whether a database that answers has said no. Some file a missing table under operations."""
    state = getattr(error.orig, "sqlstate", None)
    if state is not None:  # 57: an operator stopped it; 08: the connection; 53: no room
        return str(state)[:2] not in ("08", "53", "57")
    return type(error.orig).__module__.startswith("sqlite3") and "locked" not in str(error.orig)


def _asked(connection: Connection, source: Source) -> CursorResult[Any]:
    from sqlalchemy import text

    assert source.query is not None
    query = source.query.strip().rstrip(";")
    values: dict[str, Any] = {}
    if ":as_of" in query:
        values["as_of"] = source.as_of
    if source.watermark is not None and source.since is not None:
        column = connection.dialect.identifier_preparer.quote(source.watermark)
        query = f"SELECT * FROM ({query}) AS rows_since WHERE {column} >= :since"
        values["since"] = source.since
    streaming = connection.execution_options(stream_results=True, max_row_buffer=_ROWS)
    return streaming.execute(text(query), values)


def _keep(result: CursorResult[Any], path: Path, where: str) -> list[pa.Schema]:
    """Write each part as it comes, and tell its columns."""
    import pyarrow as pa

    names = list(result.keys())
    schemas: list[pa.Schema] = []
    for rows in _parts(result):
        columns = list(zip(*rows, strict=True)) or [()] * len(names)
        batch = pa.RecordBatch.from_arrays(
            [_array(name, values, where) for name, values in zip(names, columns, strict=True)],
            names,
        )
        with (
            pa.OSFile(f"{path}{len(schemas)}", "wb") as file,
            pa.ipc.new_stream(file, batch.schema) as kept,
        ):
            kept.write_batch(batch)
        schemas.append(batch.schema)
    return schemas


def _parts(result: CursorResult[Any]) -> Iterator[Sequence[Any]]:
    """Parts of the rows; an empty one where there are none, so that the columns are told."""
    rows = result.fetchmany(_ROWS)
    yield rows
    while rows and (rows := result.fetchmany(_ROWS)):
        yield rows


def _array(name: str, values: Sequence[Any], where: str) -> pa.Array:
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if kinds & {Decimal} and kinds <= {Decimal, int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if kinds == {int, float}:
        return pa.array(values, pa.float64())
    if len(kinds) == 1 and next(iter(kinds)).__module__ in ("uuid", "ipaddress"):
        return pa.array([None if v is None else str(v) for v in values], pa.string())
    try:
        array = pa.array(values)
    except (pa.ArrowException, TypeError) as error:
        raise SourceInvalid(
            f"{where}: column {name!r} mixes types that no table can hold: {error}; cast it in "
            f"source.query"
        ) from error
    if pa.types.is_timestamp(array.type) and array.type.tz is not None:
        return array.cast(pa.timestamp("us", "UTC"))
    return array
