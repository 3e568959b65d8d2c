"""Rows that do not fit in memory: a snapshot depends on them, and not on how they came."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from temporalio.testing import ActivityEnvironment

from activities.arrivals import ArrivalActivities
from activities.data import DataActivities
from activities.modelling.data import arriving, snapshots
from activities.modelling.data.ordering import ordered
from activities.modelling.data.profiles import profile_parts, sketch_frame
from activities.modelling.data.sketches import read_sketches
from activities.modelling.data.snapshots import Frames
from activities.modelling.projects import load_project
from perennial.authoring import Features
from perennial.blobs import BlobStore
from perennial.contracts.arrivals import FindNewRows, NewRows
from perennial.contracts.data import DatasetSnapshot, ReferenceProfile, TakeSnapshot
from perennial.contracts.errors import ProjectInvalid, SourceInvalid, Unavailable
from perennial.contracts.spec import Source
from tests.unit.ml.conftest import Write

FEATURES = Features(target="sold", numeric=["size"], key="id", time="at")
READS = """
class Own(Base):
    load = ModelProject.load

    def features(self):
        return Features(target="sold", numeric=["size"], key="id")
"""


def rows(count: int = 5000) -> pa.Table:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "id": [f"k{n:06}" for n in range(count)],
            "size": rng.normal(size=count),
            "at": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(range(count), "min"),
            "sold": rng.integers(0, 2, count),
        }
    )
    frame.loc[::7, "size"] = None
    table = pa.Table.from_pandas(frame.sample(frac=1, random_state=2), preserve_index=False)
    return table.replace_schema_metadata(None)


def cut(table: pa.Table, size: int) -> Iterator[pa.Table]:
    for start in range(0, len(table), size):
        yield table.slice(start, size)


def kept(blobs: BlobStore, table: pa.Table, size: int) -> DatasetSnapshot:
    coming = arriving.Arriving(table.schema, cut(table, size))
    return snapshots.keep(blobs, coming, FEATURES, model="m", source=Source(uri="x"), tags={})


def test_the_digest_does_not_depend_on_the_parts(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "_ROWS_IN_GROUP", 1000)
    table = rows()
    found = {kept(blobs, table, size).digest for size in (1, 333, 1000, 5000)}
    found.add(kept(blobs, table.sort_by("size"), 700).digest)
    assert len(found) == 1
    whole = kept(blobs, table, 640)
    assert (whole.rows, whole.time_to) == (5000, datetime(2024, 1, 4, 11, 19, tzinfo=UTC))
    assert Frames(blobs).read(whole)["id"].is_monotonic_increasing


@pytest.mark.parametrize("key", ["id", "at", "size"])
def test_rows_are_ordered_beyond_memory(tmp_path: Path, key: str) -> None:
    table = rows()
    expected = next(ordered(iter([table]), key, tmp_path))
    missing = table.filter(pa.compute.is_null(table[key]))
    for bytes_at_once in (3_000, 40_000):
        parts = list(ordered(cut(table, 100), key, tmp_path, bytes_at_once))
        assert len(parts) > 2
        found = pa.concat_tables(parts)
        assert found.slice(0, len(expected))["id"].to_pylist() == expected["id"].to_pylist()
        assert found.slice(len(expected)).equals(missing.combine_chunks())
    assert not list(tmp_path.iterdir())


def test_a_key_without_order_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match="has no order"):
        list(ordered(iter([pa.table({"id": [[1], [2]]})]), "id", tmp_path))


def test_a_profile_of_parts_is_that_of_the_whole() -> None:
    table = rows().append_column("n", pa.array([None if n % 5 == 0 else n for n in range(5000)]))
    table = table.append_column("flag", pa.array([None] + [True, False] * 2499 + [True]))
    at = datetime(2024, 1, 1, tzinfo=UTC)
    gaps = {field.name for field in table.schema if table[field.name].null_count}
    profile, parts = profile_parts(cut(table, 700), gaps, at)
    whole = sketch_frame(table.to_pandas())
    assert read_sketches(profile).keys() == parts.keys() == whole.keys()
    for name, usual in whole.items():
        found = parts[name]
        assert (found.kind, found.rows, found.missing) == (usual.kind, usual.rows, usual.missing)
        assert found.counts == usual.counts
        if usual.kind == "number":
            mine, theirs = found.numbers, usual.numbers
            assert (mine.low, mine.high) == (theirs.low, theirs.high)
            assert abs(mine.below(np.array([0.5])) - theirs.below(np.array([0.5])))[0] < 0.01


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        ("yield pa.RecordBatch.from_pylist([])", SourceInvalid, "has no column"),
        ("return iter([])", SourceInvalid, "has no rows"),
        ("yield 1", ProjectInvalid, "gave a int instead of a pyarrow RecordBatch"),
        ("yield from self.made(1); raise KeyError('x')", ProjectInvalid, r"batches\(\) raised Key"),
        ("yield from self.made(1); yield from self.made('a')", SourceInvalid, "'size' is string"),
        ("yield from self.made('a')", SourceInvalid, r"holds string \('a' in 7\)"),
        ("yield from self.made(1, code='y' * 5000)", SourceInvalid, "of 5,000 bytes in 7"),
    ],
)
def test_batches_that_are_no_table(
    write_project: Write, blobs: BlobStore, body: str, error: type[Exception], said: str
) -> None:
    name = write_project(
        f"""
import pyarrow as pa

class Own(Base):
    def features(self):
        return Features(target="sold", numeric=["size"], key="id")

    def made(self, size, code="x"):
        yield pa.RecordBatch.from_pylist([{{"id": 7, "size": size, "sold": 1, "code": code}}])

    def batches(self, source):
        {body}
"""
    )
    project = load_project(name)
    with pytest.raises(error, match=said):
        coming = arriving.rows_of(project, Source(uri="x"), project.features(), largest_cell=4096)
        snapshots.keep(
            blobs, coming, project.features(), model="m", source=Source(uri="x"), tags={}
        )


def test_a_disk_that_fills(blobs: BlobStore, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    table, large = rows(50_000), tmp_path / "large"
    large.write_bytes(b"x" * 200_000)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(Unavailable, match=r"could not be kept.*make room there"):
            kept(blobs, table, 1000)
        with pytest.raises(Unavailable, match=r"could not be kept.*has room"):
            blobs.put(large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    left = [path for path in (tmp_path / "blobs").rglob("*") if path.is_file()]
    assert not left, "half a blob is not left behind"


def test_a_project_that_imports_what_is_not_installed(write_project: Write) -> None:
    name = write_project("import no_such_library\nclass Own(Base): pass")
    with pytest.raises(ProjectInvalid, match=r"No module named 'no_such_library'.*line "):
        load_project(name)


class Known:
    """The records' newest snapshot."""

    def __init__(self) -> None:
        self.kept: list[tuple[DatasetSnapshot, ReferenceProfile]] = []

    def newest_snapshot(
        self, model: str, transformation: str | None = None
    ) -> tuple[DatasetSnapshot, ReferenceProfile] | None:
        fitting = [s for s in self.kept if transformation in (None, s[0].transformation)]
        return fitting[-1] if fitting else None


HEAD = "id,size,changed,sold\n"
FIRST = "1,0.5,2024-01-01T00:00:00Z,1\n2,0.7,2024-01-02T00:00:00Z,0\n"


async def take(
    blobs: BlobStore, known: Known, project: str, path: Path, as_of: datetime | None = None
) -> DatasetSnapshot:
    source = Source(uri=str(path), watermark="changed", as_of=as_of)
    activities = DataActivities(blobs, Frames(blobs), known)
    asked = TakeSnapshot(run_id="r", model="m", project=project, source=source)
    snapshot: DatasetSnapshot = await ActivityEnvironment().run(activities.take_snapshot, asked)
    profile = ReferenceProfile(blob=snapshot.data, rows=1, columns=1)
    known.kept.append((snapshot, profile))
    return snapshot


async def test_a_watermark_takes_what_is_new(
    write_project: Write, blobs: BlobStore, tmp_path: Path
) -> None:
    name, known, path = write_project(READS), Known(), tmp_path / "rows.csv"
    path.write_text(HEAD + FIRST)
    first = await take(blobs, known, name, path)
    assert first.watermark is not None
    assert first.watermark.value == "2024-01-02T00:00:00+00:00"
    assert await take(blobs, known, name, path) == first, "nothing new: no new snapshot"

    changed = "3,0.1,2024-01-03T00:00:00Z,1\n1,9.5,2024-01-04T00:00:00Z,0\n"
    # the oldest row is gone from the source, so that only an increment still has it
    path.write_text(HEAD + FIRST.splitlines()[1] + "\n" + changed)
    second = await take(blobs, known, name, path)
    assert (second.parent, second.rows) == (first.digest, 3)
    frame = Frames(blobs).read(second)
    assert frame["id"].tolist() == [1, 2, 3]
    assert frame["size"].tolist() == [9.5, 0.7, 0.1]

    whole = await take(blobs, Known(), name, path)
    assert whole.digest == second.digest and whole.parent is None
    then = datetime(2024, 1, 3, tzinfo=UTC)
    assert (await take(blobs, known, name, path, then)).rows == 2, "a moment before the newest"


async def test_a_watermark_that_is_missing(
    write_project: Write, blobs: BlobStore, tmp_path: Path
) -> None:
    name, path = write_project(READS), tmp_path / "rows.csv"
    path.write_text(HEAD + FIRST + "3,0.1,,1\n")
    with pytest.raises(SourceInvalid, match="'changed' is missing in some rows"):
        await take(blobs, Known(), name, path)
    path.write_text("id,size,sold\n1,0.5,1\n")
    with pytest.raises(SourceInvalid, match="no column 'changed', which source"):
        await take(blobs, Known(), name, path)


async def test_new_rows_are_counted_by_the_watermark(
    write_project: Write, blobs: BlobStore, tmp_path: Path
) -> None:
    name, known, path = write_project(READS), Known(), tmp_path / "rows.csv"
    path.write_text(HEAD + FIRST)
    source = Source(uri=str(path), watermark="changed")
    ask = FindNewRows(model="m", project=name, source=source)

    async def find() -> NewRows:
        return await ActivityEnvironment().run(ArrivalActivities(known).find_new_rows, ask)

    first = "2024-01-02T00:00:00+00:00"
    assert await find() == NewRows(rows=2, newest=first), "nothing was learnt yet"
    await take(blobs, known, name, path)
    assert await find() == NewRows(rows=0, since=first)
    path.write_text(HEAD + FIRST + "3,0.1,2024-01-03T00:00:00Z,1\n1,9.5,2024-01-04T00:00:00Z,0\n")
    newest = "2024-01-04T00:00:00+00:00"
    assert await find() == NewRows(rows=2, since=first, newest=newest)
    path.unlink()
    with pytest.raises(SourceInvalid):
        await find()
