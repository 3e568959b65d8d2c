"""Labels out of Parquet or CSV: rows in the order in which they were written, if any is new."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

import fsspec
import pyarrow as pa
import pyarrow.csv as csv
import pyarrow.dataset as ds

from activities.modelling.labels.database import WRITTEN
from activities.modelling.labels.rows import moment
from perennial.contracts.label_table import LabelTable
from perennial.storage import filesystem

_KINDS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv"}


class TableInvalid(ValueError):
    """There are files, and no labels can be read from them."""


class FileRows(NamedTuple):
    """What files have.

    Attributes:
        rows: values by the names that a label has for them, and `WRITTEN`, the oldest first; those
            whose time cannot be read come first, with what stands in its place.
        more: there are more rows; these are the oldest.
        seen: names the state of the files.
    """

    rows: list[dict[str, Any]]
    more: bool
    seen: str


class _Files(NamedTuple):
    dataset: ds.Dataset
    wanted: dict[str, str]
    watermark: str

    def times(self) -> Iterator[datetime | None]:
        for batch in self.dataset.to_batches(columns=[self.watermark]):
            for value in batch.column(0).to_pylist():
                yield moment(value)

    def rows(self) -> Iterator[dict[str, Any]]:
        names = sorted({*self.wanted.values(), self.watermark})
        for batch in self.dataset.to_batches(columns=names):
            for row in batch.to_pylist():
                told = {ours: row[theirs] for ours, theirs in self.wanted.items()}
                yield told | {WRITTEN: row[self.watermark]}


def read_files(
    address: str,
    table: LabelTable,
    since: datetime | None,
    newer_than: datetime | None,
    most: int,
    seen: str,
) -> FileRows | None:
    """Rows that were written at a time or later.

    Args:
        address: fsspec URL of a file, of a folder, or a pattern.
        table: what to read.
        since: None: from the beginning.
        newer_than: rows up to this time were read before, and do not count as new.
        most: new rows at once. Rows of one time are never parted.
        seen: the state of the files when they were read whole the last time.

    Returns:
        None where the files are as they were then.

    Raises:
        TableInvalid: none are there, or a column is missing.
        OSError, pyarrow.ArrowException: they cannot be read.
        ImportError: there is no library for such a URL.
    """
    fs, path = filesystem(address)
    paths = _paths(fs, path)
    kinds = {_KINDS[_suffix(each)] for each in paths}
    if len(kinds) != 1:
        raise TableInvalid("there is no file whose name ends with .parquet or .csv, or are both")
    state = hashlib.sha256("\0".join(f"{p} {fs.ukey(p)}" for p in paths).encode()).hexdigest()
    if state == seen:
        return None
    files = _open(fs, paths, kinds.pop(), table)
    # twice over the files: the times alone tell how far to go, and need little memory
    new = sorted(at for at in files.times() if at and (newer_than is None or at > newer_than))
    until = new[most - 1] if len(new) > most else None
    found, broken = [], []
    for row in files.rows():
        if (at := moment(row[WRITTEN])) is None:
            if row[WRITTEN] is not None:
                broken.append(row)
        elif (since is None or at >= since) and (until is None or at <= until):
            found.append(row | {WRITTEN: at})
    found.sort(key=lambda row: row[WRITTEN])
    return FileRows([*broken, *found], until is not None and new[-1] > until, state)


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2]
    return f".{name.rpartition('.')[2].lower()}" if "." in name else ""


def _paths(fs: fsspec.AbstractFileSystem, path: str) -> list[str]:
    if any(sign in path for sign in "*?["):
        found = fs.glob(path)
    elif fs.isdir(path):
        found = fs.find(path)
    else:
        fs.info(path)  # FileNotFoundError names it
        found = [path]
    names = [(each, each.rpartition("/")[2]) for each in found]
    # what is being written is hidden, by a dot or an underscore
    return sorted(p for p, name in names if _suffix(p) in _KINDS and name[0] not in "._")


def _open(fs: Any, paths: list[str], kind: str, table: LabelTable) -> _Files:
    wanted = table.columns.named()
    names = {*wanted.values(), table.watermark}
    form: Any = kind
    if kind == "csv":  # whatever a column looks like at first, its cells are texts
        form = ds.CsvFileFormat(
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            )
        )
    dataset = ds.dataset(paths, format=form, filesystem=fs)
    for file in dataset.get_fragments():  # what a file lacks would be read as missing values
        if missing := sorted(names - set(file.physical_schema.names)):
            raise TableInvalid(
                f"{file.path} has no column {missing[0]!r}; it has "
                f"{', '.join(file.physical_schema.names)}"
            )
    return _Files(dataset, wanted, table.watermark)
