"""Rows that a project brings as one pandas DataFrame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import pyarrow as pa

from activities.modelling.plain_types import plain
from activities.modelling.projects import Project, check_columns
from activities.modelling.values import row_names
from perennial.authoring import Features
from perennial.contracts.errors import SourceInvalid, Unavailable
from perennial.contracts.spec import Source


@contextmanager
def answering(source: Source) -> Iterator[None]:
    """Say what a place that is wrong or away is for a source.

    Raises:
        SourceInvalid: nothing can be read there.
        Unavailable: it did not answer.
    """
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as error:
        raise SourceInvalid(
            f"source {source.uri!r} cannot be read: {error}; check source.uri in the spec, "
            f"as the workers see it"
        ) from error
    except (ConnectionError, TimeoutError) as error:
        raise Unavailable(f"source {source.uri!r} did not answer: {error}") from error


def load_rows(project: Project, source: Source) -> pd.DataFrame:
    """Have the project load its source, and check that what came is a table with rows.

    Raises:
        SourceInvalid: nothing there, no rows, or columns that no table has.
        ProjectInvalid: load() raised, or returned no DataFrame.
        Unavailable: the place did not answer.
    """
    with project.calling("load"):
        with answering(source):
            frame = project.own.load(source)
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
    """A plain table of the rows, in their order."""
    try:
        table = pa.Table.from_pandas(frame, preserve_index=False)
    except pa.ArrowException as error:
        said = " ".join(str(part) for part in error.args)
        raise SourceInvalid(
            f"{where}: a column mixes types that no table can hold: {said}; convert it in load()"
        ) from error
    return table.replace_schema_metadata(None).cast(plain(table.schema))
