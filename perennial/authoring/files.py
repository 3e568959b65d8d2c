"""Files by any fsspec URL: one, a folder of them, or those that a pattern names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from perennial.authoring import parquet_files, text_files
from perennial.authoring.schemas import cast, united
from perennial.authoring.secrets import Resolved
from perennial.contracts.errors import SourceInvalid, Unavailable
from perennial.contracts.spec import Source

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = (".csv", ".csv.gz", ".parquet", ".jsonl", ".jsonl.gz", ".ndjson")
_SIGNS = frozenset("*?[")
_ASIDE = ("_", ".")
"""What other programs put beside the files they write begins with these."""


def read(address: Resolved, source: Source) -> Iterator[pa.RecordBatch]:
    """The rows of all files, in the order of their names.

    Raises:
        FileNotFoundError: there is no such file.
        SourceInvalid: a file is not of its format, or a column mixes types.
        Unavailable: the files have changed while they were read.
    """
    import pyarrow as pa

    place = _Place(address, source)
    where = f"source {source.uri!r}"
    before = place.state()
    paths = list(before)
    try:
        yield from _rows(place, paths, where)
    except (SourceInvalid, pa.ArrowException, OSError, EOFError) as error:
        # half of a file that is being written is of no format
        if _changed(place, before):
            raise _moved(where) from None
        if isinstance(error, SourceInvalid) or (isinstance(error, OSError) and error.errno):
            raise
        raise SourceInvalid(f"{where} cannot be read: {address.shown(error)}") from None
    if _changed(place, before):
        raise _moved(where)


def _changed(place: _Place, before: dict[str, object]) -> bool:
    try:
        return place.state() != before
    except FileNotFoundError:
        return True


def _moved(where: str) -> Unavailable:
    return Unavailable(
        f"{where} changed while it was read: what was read is of neither state; it is read again. "
        f"Write files under another name and rename them when they are whole"
    )


def _rows(place: _Place, paths: Sequence[str], where: str) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    reader = parquet_files if paths[0].lower().endswith(".parquet") else text_files
    folders = _folders(paths, place.depth)
    named = _types(folders)
    schemas = [
        pa.schema(
            [field for field in reader.schema(place.fs, path, where) if field.name not in named]
        )
        for path in paths
    ]
    schema = united(
        [*schemas, pa.schema(named.items())], where, as_text=text_files.is_csv(paths[0])
    )
    empty = True
    for path, values, own in zip(paths, folders, schemas, strict=True):
        within = pa.schema([schema.field(name) for name in own.names])
        for batch in reader.batches(place.fs, path, within, where):
            for name, value in values.items():
                column = pa.repeat(pa.scalar(value), batch.num_rows).cast(schema.field(name).type)
                batch = batch.append_column(name, column)
            empty = False
            yield cast(batch, schema, where)
    if empty:
        yield pa.RecordBatch.from_pylist([], schema)


def _folders(paths: Sequence[str], depth: int) -> list[dict[str, str]]:
    """What the folders `name=value` say between the source's own and each file."""
    found = []
    for path in paths:
        pairs = (part.split("=", 1) for part in path.split("/")[depth:-1] if "=" in part)
        found.append({name: unquote(value) for name, value in pairs})
    return found


def _types(folders: Sequence[dict[str, str]]) -> dict[str, pa.DataType]:
    """Whole numbers where all of a name's values are, else text."""
    import pyarrow as pa

    found: dict[str, pa.DataType] = {}
    for values in folders:
        for name, value in values.items():
            whole = _is_whole(value) and found.get(name) != pa.string()
            found[name] = pa.int64() if whole else pa.string()
    return found


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdigit() and text == str(int(text))


class _Place:
    """Where the files are."""

    def __init__(self, address: Resolved, source: Source) -> None:
        from perennial.storage import filesystem

        self._source = source
        try:
            self.fs, self._path = filesystem(address.value)
        except (ImportError, ValueError) as error:
            raise SourceInvalid(
                f"source {source.uri!r}: {address.shown(error)}; mend source.uri"
            ) from None

    @property
    def depth(self) -> int:
        """How many folders lie above the first that may differ from file to file."""
        parts = self._path.rstrip("/").split("/")
        return next((n for n, part in enumerate(parts) if set(part) & _SIGNS), len(parts))

    def state(self) -> dict[str, object]:
        """Each file, and what changes when its bytes do."""
        self.fs.invalidate_cache()
        return {path: self._mark(path) for path in self._paths()}

    def _paths(self) -> list[str]:
        path, uri = self._path, self._source.uri
        if set(path) & _SIGNS:
            found = [name for name in self.fs.glob(path) if not self.fs.isdir(name)]
        elif self.fs.isdir(path):
            found = self.fs.find(path)
        else:
            found = [path]
        files = sorted(
            name
            for name in map(str, found)
            if not any(part.startswith(_ASIDE) for part in name.split("/")[self.depth :])
        )
        if not files or (files == [path] and not self.fs.exists(path)):
            _check_ending(uri, uri)
            raise FileNotFoundError(f"there is no file {uri}")
        if len(files) > 1:
            files = [name for name in files if name.lower().endswith(FORMATS)] or files
        for name in files:
            _check_ending(name, uri)
        formats = {name.lower().removesuffix(".gz").rpartition(".")[2] for name in files}
        if len(formats) > 1:
            raise SourceInvalid(
                f"source {uri!r} has files of several formats ({', '.join(sorted(formats))}); "
                f"name those of one by a pattern such as *.csv"
            )
        return files

    def _mark(self, path: str) -> object:
        info: dict[str, Any] = self.fs.info(path)
        keys = ("size", "mtime", "ino", "ETag", "etag", "updated", "LastModified", "last_modified")
        return tuple(str(info.get(key)) for key in keys)


def _check_ending(name: str, uri: str) -> None:
    if name.lower().split("?")[0].endswith(FORMATS) or set(name) & _SIGNS:
        return
    raise SourceInvalid(
        f"source {uri!r} has none of the endings {', '.join(FORMATS)}; "
        f"rename it, or read it in the project's own load()"
    )
