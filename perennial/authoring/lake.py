"""Delta Lake tables, as they are or as they were."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from perennial.authoring.secrets import Resolved
from perennial.contracts.errors import SourceInvalid
from perennial.contracts.spec import Source

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS = 1 << 16


def is_table(address: Resolved) -> bool:
    """Whether the place is a folder with Delta's log in it."""
    from perennial.storage import filesystem

    url = address.value.rstrip("/")
    if url.rpartition("/")[2].count(".") or "*" in url:
        return False
    try:
        fs, path = filesystem(url)
        return bool(fs.isdir(f"{path}/_delta_log"))
    except (ImportError, ValueError):
        return False


def read(address: Resolved, source: Source) -> Iterator[pa.RecordBatch]:
    """The rows of `options.version`, or of `source.as_of`, or the newest.

    A version does not change, so neither does what is read.

    Raises:
        SourceInvalid: there is no such version, or the table cannot be read.
    """
    import pyarrow as pa
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError

    where = f"source {source.uri!r}"
    try:
        table = DeltaTable(address.value, version=source.options.get("version"))
        if source.as_of is not None and "version" not in source.options:
            table.load_as_version(source.as_of)
        dataset = table.to_pyarrow_dataset()
        yield pa.RecordBatch.from_pylist([], dataset.schema.remove_metadata())
        scanner = dataset.scanner(
            filter=_since(source), batch_size=_ROWS, batch_readahead=2, fragment_readahead=1
        )
        for batch in scanner.to_batches():
            yield batch.replace_schema_metadata(None)
    except (DeltaError, pa.ArrowException, OSError) as error:
        raise SourceInvalid(
            f"{where} cannot be read as a Delta table: {address.shown(error)}; check source.uri, "
            f"and that the version or instant asked for was not vacuumed"
        ) from None


def _since(source: Source) -> object:
    """Files that hold nothing new are not opened."""
    if source.since is None or source.watermark is None:
        return None
    import pyarrow.dataset as ds

    return ds.field(source.watermark) >= source.since
