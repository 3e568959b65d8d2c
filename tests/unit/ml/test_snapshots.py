"""Rows in: what is refused, and what a snapshot's digest depends on."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest
from temporalio.testing import ActivityEnvironment

from activities.data import DataActivities
from activities.modelling.data import frames, snapshots
from activities.modelling.data.snapshots import Frames
from perennial.authoring import Features, read_table
from perennial.blobs import BlobCorrupt, BlobStore
from perennial.contracts.data import DatasetSnapshot, ProfileSnapshot, TakeSnapshot
from perennial.contracts.errors import ProjectInvalid, SourceInvalid
from perennial.contracts.spec import Source
from tests.unit.ml.conftest import Write

ROWS = pd.DataFrame(
    {
        "id": ["a", "b", "c"],
        "size": [1.5, None, 2.0],
        "at": pd.to_datetime(["2024-03-01", "2024-01-01", "2024-02-01"], utc=True),
        "sold": [1, 0, 1],
    }
)
FEATURES = Features(target="sold", numeric=["size"], key="id", time="at")
READS_A_FILE = """
class Own(Base):
    load = ModelProject.load
"""


def kept(blobs: BlobStore, frame: pd.DataFrame, features: Features = FEATURES) -> DatasetSnapshot:
    table = frames.to_table(frame, features, "the source")
    return snapshots.keep(blobs, table, features, model="m", source=Source(uri="x"), tags={})


def test_the_same_rows_have_the_same_digest(blobs: BlobStore) -> None:
    first = kept(blobs, ROWS)
    shuffled = ROWS.iloc[[2, 0, 1]].copy()
    shuffled["id"] = shuffled["id"].astype("category")
    shuffled.index = pd.Index([7, 8, 9])
    assert kept(blobs, shuffled).digest == first.digest == first.data.sha256


def test_other_rows_have_another_digest(blobs: BlobStore) -> None:
    other = ROWS.assign(size=[1.5, None, 2.5])
    assert kept(blobs, other).digest != kept(blobs, ROWS).digest


def test_a_snapshot_says_what_it_holds(blobs: BlobStore) -> None:
    snapshot = kept(blobs, ROWS)
    assert snapshot.rows == 3
    assert {column.name: column.type for column in snapshot.columns} == {
        "id": "string",
        "size": "double",
        "at": "timestamp[us, tz=UTC]",
        "sold": "int64",
    }
    assert snapshot.time_from == datetime(2024, 1, 1, tzinfo=UTC)
    assert snapshot.time_to == datetime(2024, 3, 1, tzinfo=UTC)


def test_what_is_read_is_what_was_kept(blobs: BlobStore) -> None:
    frame = Frames(blobs).read(kept(blobs, ROWS))
    assert frame["id"].tolist() == ["a", "b", "c"]
    assert frame["size"].isna().tolist() == [False, True, False]


def test_a_snapshot_that_was_changed_on_disk_is_not_read(blobs: BlobStore) -> None:
    snapshot = kept(blobs, ROWS)
    path = blobs.get(snapshot.data)
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(BlobCorrupt, match=r"have\s+changed"):
        Frames(blobs).read(snapshot)


def test_frames_are_bounded(blobs: BlobStore) -> None:
    frames = Frames(blobs)
    digests = [kept(blobs, ROWS.assign(size=float(n))) for n in range(4)]
    first = frames.read(digests[0])
    assert frames.read(digests[0]) is first
    for snapshot in digests[1:]:
        frames.read(snapshot)
    assert frames.read(digests[0]) is not first


@pytest.mark.parametrize(
    ("features", "said"),
    [
        (
            Features(target="sold", numeric=["sise"]),
            r"no column 'sise' \(did you mean 'size'\?\); it has id, size, at, sold",
        ),
        (
            Features(target="sold", numeric=["id"]),
            r"'id' should hold numbers, but holds str \('a' in row 0\)",
        ),
        (
            Features(target="sold", numeric=["size"], time="id"),
            "'id' should hold dates and times",
        ),
    ],
)
def test_columns_that_cannot_play_their_part(features: Features, said: str) -> None:
    with pytest.raises(SourceInvalid, match=said):
        frames.check_frame(ROWS, features, "the source")


def test_a_column_of_mixed_types_is_named() -> None:
    mixed = ROWS.assign(what=pd.Series([1, "two", 3.0], dtype=object))
    with pytest.raises(SourceInvalid, match="column what"):
        frames.to_table(mixed, FEATURES, "the source")


async def take(blobs: BlobStore, project: str, uri: str = "rows.csv") -> DatasetSnapshot:
    activities = DataActivities(blobs, Frames(blobs))
    asked = TakeSnapshot(run_id="r", model="m", project=project, source=Source(uri=uri))
    return await ActivityEnvironment().run(activities.take_snapshot, asked)


async def test_a_file_is_read_without_a_line_of_code(
    write_project: Write, blobs: BlobStore, tmp_path: Path
) -> None:
    name = write_project(READS_A_FILE)
    csv = tmp_path / "rows.csv"
    csv.write_text("id,size,colour,sold\n1,2.5,red,1\n2,,,0\n")
    snapshot = await take(blobs, name, str(csv))
    assert snapshot.rows == 2
    assert snapshot.tags["project"] == name
    frame = Frames(blobs).read(snapshot)
    assert frame["colour"].isna().tolist() == [False, True]


@pytest.mark.parametrize("ending", ["parquet", "jsonl", "csv.gz"])
def test_other_formats(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"rows.{ending}"
    if ending == "parquet":
        ROWS.to_parquet(path)
    elif ending == "jsonl":
        ROWS.to_json(path, orient="records", lines=True)
    else:
        ROWS.to_csv(path, index=False)
    assert read_table(str(path))["sold"].tolist() == [1, 0, 1]


async def test_a_missing_file(write_project: Write, blobs: BlobStore, tmp_path: Path) -> None:
    name = write_project(READS_A_FILE)
    with pytest.raises(SourceInvalid, match=r"nowhere\.csv.*cannot be read.*check source.uri"):
        await take(blobs, name, str(tmp_path / "nowhere.csv"))
    with pytest.raises(SourceInvalid, match="none of the endings"):
        await take(blobs, name, str(tmp_path / "rows.xlsx"))


@pytest.mark.parametrize(
    ("body", "error", "said"),
    [
        ("return super().load(source).iloc[:0]", SourceInvalid, "has no rows"),
        ("return [1, 2]", ProjectInvalid, "a list instead of a pandas DataFrame"),
        ("return super().load(source)['size'].no_such()", ProjectInvalid, r"load\(\) raised"),
        ("return super().load(source).set_axis([1, 2, 3, 4], axis=1)", SourceInvalid, "named"),
        (
            "return super().load(source).set_axis(['id', 'size', 'size', 'sold'], axis=1)",
            SourceInvalid,
            "two columns are called 'size'",
        ),
    ],
)
async def test_a_load_that_gives_no_table(
    write_project: Write, blobs: BlobStore, body: str, error: type[Exception], said: str
) -> None:
    name = write_project(f"class Own(Base):\n    def load(self, source):\n        {body}")
    with pytest.raises(error, match=said):
        await take(blobs, name)


async def test_a_profile_is_kept_with_every_column(write_project: Write, blobs: BlobStore) -> None:
    from activities.modelling.data.sketches import read_profile

    snapshot = await take(blobs, write_project())
    profile = await ActivityEnvironment().run(
        DataActivities(blobs, Frames(blobs)).profile_snapshot,
        ProfileSnapshot(run_id="r", model="m", snapshot=snapshot),
    )
    view = read_profile(blobs.get_bytes(profile.blob))
    assert (profile.rows, profile.columns) == (400, 4)
    assert set(view.get_columns()) == {"id", "size", "colour", "sold"}
