"""Rows that are judged in parts: what needs all of them is the same, and memory is not theirs."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activities.modelling.data import increments, moments, ordering, snapshots
from activities.modelling.data.moments import moment_at
from activities.modelling.data.parted import InMemory, OnFile
from activities.modelling.data.snapshots import Frames
from activities.modelling.projects import Project, load_project
from activities.modelling.validation import alike, targets
from activities.modelling.validation.checks import validate
from activities.modelling.validation.limits import limit_of
from perennial.authoring import Features
from perennial.blobs import BlobStore
from perennial.contracts.data_plan import DataPlan
from perennial.contracts.spec import Source, Split
from tests.unit.ml.conftest import Write
from tests.unit.ml.judging import judge

OWN = """
class Own(Base):
    def features(self):
        return Features(
            target="sold", numeric=["size"], categorical=["colour"], key="id", time="at"
        )

    def schema(self):
        return pa.DataFrameSchema(
            {
                "colour": pa.Column(str, pa.Check.isin(["red", "green"]), unique=True),
                "size": pa.Column(
                    float,
                    [
                        pa.Check(lambda size: size < size.mean() + 2, name="near"),
                        pa.Check(lambda size: size.mean() > 9, name="large"),
                        pa.Check(lambda size: size > -2, element_wise=True, name="each"),
                    ],
                ),
                "sold": pa.Column(int, pa.Check.le(0), coerce=True),
            },
            unique=["colour", "sold"],
            strict=True,
        )
"""
TABLE = """
class Own(Base):
    def schema(self):
        return pa.DataFrameSchema(
            {"size": pa.Column(float, pa.Check.le(1))},
            checks=pa.Check(lambda rows: rows["size"] < rows["size"].mean() + 2, name="near"),
        )
"""
LIKE = """
class Own(Base):
    def features(self):
        return Features(target="sold", numeric=["size"], categorical=["colour"], time="at")
"""


def rows(count: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "id": [f"k{n:05}" for n in range(count)],
            "size": rng.normal(size=count),
            "colour": rng.choice(["red", "green", "blue"], count),
            "at": pd.Timestamp("2024-01-01", tz="UTC") + pd.to_timedelta(range(count), "min"),
            "sold": rng.integers(0, 2, count),
        }
    )


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Almost everything is ordered on disk."""
    monkeypatch.setattr(ordering, "BYTES_AT_ONCE", 4_000)
    monkeypatch.setattr(alike, "_MANY", 40)


def test_a_part_has_the_types_of_the_whole(tmp_path: Path) -> None:
    columns = {
        "text": ["a", None, "c", "d"],
        "whole": [1, 2, 3, 4],
        "a.whole": [1, 2, 3, None],
        "flag": [True, False, True, None],
        "nothing": [None] * 4,
    }
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=2)
    rows = OnFile(path, 1)
    parts = [part.frame for part in rows.parts()]
    assert len(parts) == 4
    assert all(part.dtypes.equals(rows.whole().dtypes) for part in parts)
    assert rows.names("whole", np.array([3, 0])) == ("4", "1")
    assert rows.names("a.whole", np.array([0])) == ("1.0",)


@pytest.mark.parametrize(
    ("own", "wanted"),
    [
        (OWN, {"isin", "field_uniqueness", "near", "large", "each", "less_than_or_equal_to"}),
        (TABLE, {"near", "less_than_or_equal_to"}),
    ],
)
def test_rules_that_need_more_than_a_row(write_project: Write, own: str, wanted: set[str]) -> None:
    frame = rows().drop(columns="at") if own == TABLE else rows()
    found = judge(frame, load_project(write_project(own)), "binary")
    said = {each.check.split("(")[0] for each in found.violations}
    assert wanted <= said, said
    assert any(each.check == "near" and each.count > 1 for each in found.violations)


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("by", ["time", "random"])
def test_many_rows_that_are_alike(write_project: Write, by: str) -> None:
    """So many that they are added up on their way."""
    frame = rows(2000).assign(size=1.0)
    found = judge(frame, load_project(write_project(LIKE)), "binary", split=Split(by=by))
    assert found.passed
    told = {each.check: each for each in found.warnings}
    least = frame.groupby("colour")["sold"].agg(lambda sold: min(sold.sum(), (1 - sold).sum()))
    assert found.contradictions == least.sum() / 2000
    assert told["label_noise"].count == least.sum()
    assert found.shared_rows == 1.0 and told["no_shared_rows"].count == 400
    assert len(told["no_shared_rows"].rows) == 10


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("turned", [1, -1])
def test_a_limit_between_two_classes(tmp_path: Path, turned: int) -> None:
    frame = rows(1000)
    frame["size"] = (turned * (frame["sold"] + frame["size"] / 3)).round(1)
    frame.loc[5, "size"] = None
    frame.to_parquet(tmp_path / "rows", row_group_size=130)

    known = frame.dropna()

    def wrong(limit: float, above: int) -> int:
        said = np.where(known["size"] > limit, above, 1 - above)
        return int((said != known["sold"]).sum())

    best = min(wrong(limit, above) for limit in known["size"].unique() for above in (0, 1))
    for parts in (InMemory(frame), OnFile(tmp_path / "rows", 70)):
        found = limit_of("size", "sold", lambda sold: sold.to_numpy(), parts)
        assert found is not None
        assert found.mistakes == best + 1, "and the row without a number"
        assert found.wrong(frame["size"], frame["sold"].to_numpy()).sum() == best + 1


@pytest.mark.parametrize("at_hand", [4, 1000])
def test_the_moment_at_a_place(monkeypatch: pytest.MonkeyPatch, at_hand: int) -> None:
    monkeypatch.setattr(moments, "_AT_HAND", at_hand)
    rng = np.random.default_rng(5)
    times = pd.Series(pd.to_datetime(rng.integers(-(2**61), 2**61, 500) // 7 * 7, unit="us"))
    times[::9] = times[0]
    ordered = np.sort(times.astype("int64"))
    times = pd.concat([times, pd.Series([pd.NaT] * 3)], ignore_index=True)
    for place in (0, 250, 499):
        found = moment_at(InMemory(times.to_frame("at")), "at", place)
        assert found == ordered[place]
    assert moment_at(InMemory(times.to_frame("at")), "at", 500) is None


@pytest.mark.usefixtures("little_memory")
def test_keys_in_no_order(write_project: Write) -> None:
    frame = rows()
    frame.loc[7, "id"], frame.loc[9, "id"] = frame.loc[300, "id"], None
    found = judge(
        frame, load_project(write_project(LIKE.replace("time", 'key="id", time'))), "binary"
    )
    [violation] = found.violations
    assert (violation.check, violation.count) == ("key_unique", 3)
    assert violation.rows == ("k00300", "nan", "k00300")


def test_more_classes_than_can_be_counted(
    write_project: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(targets, "_MOST_CLASSES", 20)
    frame = rows().assign(sold=range(400))
    found = judge(frame, load_project(write_project(LIKE)), "multiclass")
    assert "sold has more than 20 classes" in found.summary()


def test_a_large_snapshot_goes_by_in_parts(
    blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = Features(target="sold", numeric=["size"], key="id")
    table = pa.Table.from_pandas(rows())
    made = snapshots.keep(blobs, table, features, model="m", source=Source(uri="x"), tags={})
    frames = Frames(blobs)
    monkeypatch.setattr(snapshots, "_CELLS_IN_MEMORY", 400 * 5 - 1)
    assert not frames.parted(made).in_one
    assert frames.at_hand(made) is None
    frames.read(made)
    assert frames.parted(made).in_one, "since it is in memory already"


def test_memory_does_not_grow_with_rows(
    write_project: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordering, "BYTES_AT_ONCE", 50_000)
    monkeypatch.setattr(ordering, "_ROWS_OF_RUN", 200)
    monkeypatch.setattr(moments, "_AT_HAND", 2_000)
    project = load_project(write_project(LIKE))
    _peak(project, tmp_path / "first", 100)  # loads and keeps what the others find
    peaks = [_peak(project, tmp_path / str(count), count) for count in (6_000, 24_000)]
    assert peaks[1] < 2 * peaks[0], "four times the rows"


def _peak(project: Project, path: Path, count: int) -> int:
    """Bytes that are held at most while rows are judged, 2,000 at a time."""
    table = pa.Table.from_pandas(rows(count), preserve_index=False)
    pq.write_table(table.replace_schema_metadata(None), path, row_group_size=2_000)
    tracemalloc.start()
    said = validate(OnFile(path, 2_000), project, "binary", DataPlan(), Split(by="time"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said.passed, said.summary()
    return peak


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("new", [[], [3], range(0, 1000, 3), range(990, 1400), [-5, 500, 5000]])
def test_new_rows_take_the_places_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new: list[int]
) -> None:
    monkeypatch.setattr(increments, "_ROWS_AT_ONCE", 90)
    path = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"id": range(0, 2000, 2)}), path)
    fresh = iter([pa.table({"id": pa.array(np.array(new[::-1], dtype=np.int64))})])
    ordered = (table["id"] for table in ordering.ordered(fresh, "id", tmp_path))
    kept = pa.concat_tables(increments._not_replaced(path, "id", ordered))
    assert kept["id"].to_pylist() == [each for each in range(0, 2000, 2) if each not in new]
