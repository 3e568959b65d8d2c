"""Rows as an immutable Parquet file, and back."""

from __future__ import annotations

import tempfile
import threading
from collections import OrderedDict
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from activities.modelling.projects import Project, check_columns
from activities.modelling.values import row_names
from perennial.authoring import Features
from perennial.blobs import BlobStore
from perennial.contracts.data import Column, DatasetSnapshot
from perennial.contracts.errors import SourceInvalid, Unavailable
from perennial.contracts.spec import Source

_ROWS_IN_GROUP = 1 << 17
_FRAMES_KEPT = 2


def load_rows(project: Project, source: Source) -> pd.DataFrame:
    """Have the project load its source, and check that what came is a table with rows.

    Raises:
        SourceInvalid: nothing there, no rows, or columns that no table has.
        ProjectInvalid: load() raised, or returned no DataFrame.
        Unavailable: the place did not answer.
    """
    with project.calling("load"):
        try:
            frame = project.own.load(source)
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
            raise SourceInvalid(
                f"source {source.uri!r} cannot be read: {error}; check source.uri in the spec, "
                f"as the workers see it"
            ) from error
        except (ConnectionError, TimeoutError) as error:
            raise Unavailable(f"source {source.uri!r} did not answer: {error}") from error
        if not isinstance(frame, pd.DataFrame):
            raise TypeError(f"a {type(frame).__name__} instead of a pandas DataFrame")
    if frame.empty:
        raise SourceInvalid(
            f"source {source.uri!r} has no rows with options {source.options}; a model needs some"
        )
    if unnamed := [name for name in frame.columns if not isinstance(name, str)]:
        raise SourceInvalid(
            f"source {source.uri!r}: the column {unnamed[0]!r} is not named in text"
        )
    if twice := [name for name in frame.columns[frame.columns.duplicated()]]:
        raise SourceInvalid(f"source {source.uri!r}: two columns are called {twice[0]!r}")
    return frame


def check_frame(frame: pd.DataFrame, features: Features, where: str) -> None:
    """Check that each column can play its part.

    Raises:
        SourceInvalid: a column is missing, or is no number or no time where one is needed.
    """
    check_columns(list(frame.columns), features, where)
    for name in features.numbers:
        column = frame[name]
        if pd.api.types.is_numeric_dtype(column) or column.isna().all():
            continue
        strange = pd.to_numeric(column, errors="coerce").isna() & column.notna()
        at = strange.to_numpy().nonzero()[0][:1]
        example = (
            f" ({column.iloc[at[0]]!r} in {row_names(frame, features.key, at)[0]})"
            if len(at)
            else ""
        )
        raise SourceInvalid(
            f"{where}: column {name!r} should hold numbers, but holds {column.dtype}{example}; "
            f"convert it in load(), or name it categorical"
        )
    if features.time and not pd.api.types.is_datetime64_any_dtype(frame[features.time]):
        raise SourceInvalid(
            f"{where}: column {features.time!r} should hold dates and times, but holds "
            f"{frame[features.time].dtype}; convert it in load() with pandas.to_datetime"
        )


def to_table(frame: pd.DataFrame, features: Features, where: str) -> pa.Table:
    """A plain table that depends on the rows alone: ordered by key where there is one."""
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException as error:
        said = " ".join(str(part) for part in error.args)
        raise SourceInvalid(
            f"{where}: a column mixes types that no table can hold: {said}; convert it in load()"
        ) from error
    # pandas has several types for the same text; one snapshot type for all of them
    table = table.replace_schema_metadata(None).cast(pa.schema([_plain(f) for f in table.schema]))
    return table.sort_by(features.key) if features.key else table


def _plain(field: pa.Field) -> pa.Field:
    kind = field.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        kind = pa.string()
    if pa.types.is_timestamp(kind):
        kind = pa.timestamp("us", tz="UTC" if kind.tz else None)
    return pa.field(field.name, kind)


def keep(
    blobs: BlobStore,
    table: pa.Table,
    features: Features,
    *,
    model: str,
    source: Source,
    tags: dict[str, str],
) -> DatasetSnapshot:
    """Write the table once, named by what it holds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        pq.write_table(table, path, compression="zstd", row_group_size=_ROWS_IN_GROUP)
        data = blobs.put(path)
    first = last = None
    if features.time:
        extent = pc.min_max(table[features.time]).as_py()
        first, last = _utc(extent["min"]), _utc(extent["max"])
    return DatasetSnapshot(
        digest=data.sha256,
        model=model,
        data=data,
        rows=table.num_rows,
        columns=tuple(Column(name=f.name, type=str(f.type)) for f in table.schema),
        source_uri=source.uri,
        time_from=first,
        time_to=last,
        taken_at=datetime.now(UTC),
        tags=tags,
    )


def _utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


class Frames:
    """Reads snapshots, and keeps the last few: every stage of a run wants the same rows."""

    def __init__(self, blobs: BlobStore) -> None:
        self._blobs = blobs
        self._kept: OrderedDict[str, pd.DataFrame] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, snapshot: DatasetSnapshot) -> pd.DataFrame:
        """The rows of a snapshot. Shared: do not change them.

        Raises:
            BlobCorrupt: the file is not what it was.
        """
        with self._lock:
            frame = self._kept.get(snapshot.digest)
            if frame is None:
                frame = pq.read_table(self._blobs.get(snapshot.data)).to_pandas()
                self._kept[snapshot.digest] = frame
                while len(self._kept) > _FRAMES_KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(snapshot.digest)
            return frame
