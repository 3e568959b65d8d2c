"""One way of doing it, measured in a process of its own: `entrants NAME FILE ROUNDS`."""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks.data.table import KEY, NUMBERS, TEXTS
from benchmarks.monitoring.stopwatch import measure
from perennial.quiet import quieten

if TYPE_CHECKING:
    from activities.modelling.projects import Project
    from perennial.blobs import BlobStore
    from perennial.contracts.data import DatasetSnapshot

quieten()


def _project(path: Path, key: str | None) -> Project:
    """Of rows that a schema has something to say about."""
    from pandera.pandas import Check, Column, DataFrameSchema

    from activities.modelling.projects import Project
    from perennial.authoring import Features, ModelProject, Shape

    class Sales(ModelProject):
        def features(self) -> Features:
            return Features(
                target="sold",
                numeric=list(NUMBERS),
                categorical=list(TEXTS),
                key=key,
                time="at",
            )

        def schema(self) -> DataFrameSchema:
            numbers = {name: Column(float, Check.in_range(-10, 10)) for name in NUMBERS}
            texts = {name: Column(str, Check.str_startswith("word")) for name in TEXTS}
            return DataFrameSchema(numbers | texts)

        def build(self, shape: Shape, params: Any) -> Any:
            raise NotImplementedError

    return Project("sales:Sales", Sales(), path, "")


@contextmanager
def _kept(path: Path, key: str | None) -> Iterator[tuple[DatasetSnapshot, BlobStore]]:
    """A snapshot as a run takes it: checked, in parts, kept by what it holds."""
    from activities.modelling.data import arriving, snapshots
    from perennial.authoring import Source
    from perennial.blobs import BlobStore

    project, source = _project(path, key), Source(uri=str(path))
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        blobs = BlobStore(f"file://{folder}")
        features = project.features()
        rows = arriving.rows_of(project, source, features)
        yield snapshots.keep(blobs, rows, features, model="sales", source=source, tags={}), blobs


def snapshot(path: Path, key: str | None = None) -> dict[str, Any]:
    """A snapshot, and nothing else."""
    with _kept(path, key) as (made, _):
        return {"rows": made.rows, "digest": made.digest}


def snapshot_by_key(path: Path) -> dict[str, Any]:
    """The same, ordered by a key."""
    return snapshot(path, KEY)


def pyarrow_alone(path: Path) -> dict[str, Any]:
    """Read in parts and written as such."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        file = pq.ParquetFile(path)
        out = Path(folder) / "rows.parquet"
        with pq.ParquetWriter(out, file.schema_arrow, compression="zstd") as writer:
            for batch in file.iter_batches(batch_size=1 << 17):
                writer.write_batch(batch)
        return {"rows": file.metadata.num_rows}


def pyarrow_by_key(path: Path) -> dict[str, Any]:
    """Read whole, ordered and written."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        table = pq.read_table(path).sort_by(KEY)
        out = Path(folder) / "rows.parquet"
        pq.write_table(table, out, compression="zstd", row_group_size=1 << 17)
        return {"rows": len(table)}


def stream(path: Path) -> dict[str, Any]:
    """A snapshot by key, its validation and its profile, of more rows than fit in memory."""
    from activities.modelling.data.parted import columns_with_gaps, parts
    from activities.modelling.data.profiles import profile_parts
    from activities.modelling.data.snapshots import Frames
    from activities.modelling.validation.checks import validate
    from perennial.contracts.spec import Split

    with _kept(path, KEY) as (made, blobs):
        began = time.perf_counter()
        rows = Frames(blobs).parted(made)
        said = validate(rows, _project(path, KEY), "binary", split=Split(by="time"))
        validated = time.perf_counter() - began
        if not said.passed:
            raise RuntimeError(said.summary())
        kept = blobs.get(made.data)
        profile_parts(parts(kept), columns_with_gaps(kept), datetime.now(UTC))
        return {"rows": made.rows, "in_one": rows.in_one, "validated": validated}


def _numbers(path: Path) -> pd.DataFrame:
    """Twenty columns of fractions, which cost most; the file says how many rows."""
    rows = pq.ParquetFile(path).metadata.num_rows
    rng = np.random.default_rng(0)
    return pd.DataFrame({f"n{n:02}": rng.normal(size=rows) for n in range(20)})


def profile(path: Path) -> Callable[[Path], dict[str, Any]]:
    """Our profile."""
    from activities.modelling.data.profiles import profile_frame

    frame, at = _numbers(path), datetime.now(UTC)
    return lambda _: {"rows": len(frame), "bytes": len(profile_frame(frame, at, "reference"))}


def whylogs_on_pandas(path: Path) -> Callable[[Path], dict[str, Any]]:
    """The library's own, given our types: as it comes it fails under NumPy 2."""
    import whylogs
    from whylogs.core.schema import DatasetSchema

    from activities.modelling.data.profiles import _Types

    frame = _numbers(path)

    def once(_: Path) -> dict[str, Any]:
        view = whylogs.log(frame, schema=DatasetSchema(type_mapper=_Types())).view()
        return {"rows": len(frame), "bytes": len(view.serialize())}

    return once


_PREPARED = {"profile": profile, "whylogs": whylogs_on_pandas}
_WHOLE: dict[str, Callable[[Path], dict[str, Any]]] = {
    "snapshot": snapshot,
    "pyarrow": pyarrow_alone,
    "snapshot-by-key": snapshot_by_key,
    "pyarrow-by-key": pyarrow_by_key,
    "stream": stream,
}


def main() -> None:
    """Measure."""
    name, path, rounds = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    if name in _PREPARED:
        work = _PREPARED[name](path)
    else:
        work = _WHOLE[name]
        # what loads the libraries is no part of it
        import activities.modelling.data.profiles
        import activities.modelling.data.snapshots
        import activities.modelling.validation.checks
        import activities.modelling.validation.schema_checks  # noqa: F401
    measure(lambda: work(path), rounds)


if __name__ == "__main__":
    main()
