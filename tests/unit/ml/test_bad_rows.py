"""Bad rows in a file that somebody brings: each sort is refused, and the message names it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.data import DataActivities
from activities.modelling.data.snapshots import Frames
from perennial.blobs import BlobStore
from perennial.contracts.data import DataValidation, TakeSnapshot, ValidateSnapshot
from perennial.contracts.errors import SourceInvalid
from perennial.contracts.spec import Source
from tests.unit.ml.conftest import Write

READS = """
class Own(Base):
    load = ModelProject.load

    def features(self):
        return Features(
            target="sold", numeric=["size"], categorical=["colour"], key="id", time="at"
        )
"""
SOLD = [0, 1, 1, 0, 1, 0, 0, 1, 1, 0]
Row = dict[str, Any]


@pytest.fixture(scope="module")
def project(write_project: Write) -> str:
    return write_project(READS)


def rows() -> list[Row]:
    return [
        {
            "id": f"k{number}",
            "size": (number * 37 % 50) / 8 - 3,
            "colour": ("red", "blue", "red")[number % 3],
            "at": f"2024-01-{1 + number % 28:02}T00:00:00Z",
            "sold": SOLD[number % 10],
        }
        for number in range(60)
    ]


def csv(path: Path, made: list[Row]) -> None:
    lines = (",".join(str(value) for value in row.values()) for row in made)
    path.write_text("\n".join([",".join(made[0]), *lines]) + "\n")


def jsonl(path: Path, made: list[Row]) -> None:
    lines = ({key: None if value == "" else value for key, value in row.items()} for row in made)
    path.write_text("\n".join(map(json.dumps, lines)))


Writes = Callable[[Path, list[Row]], None]


async def judged(project: str, blobs: BlobStore, folder: Path, made: list[Row]) -> DataValidation:
    """What is said of the rows, which is the same from a file of each form."""
    write: Writes
    told: list[DataValidation] = []
    for ending, write in (("csv", csv), ("jsonl", jsonl)):
        write(folder / f"rows.{ending}", made)
        activities, environment = DataActivities(blobs, Frames(blobs)), ActivityEnvironment()
        asked = {"run_id": "r", "model": "m", "project": project}
        source = Source(uri=str(folder / f"rows.{ending}"))
        snapshot = await environment.run(
            activities.take_snapshot, TakeSnapshot(**asked, source=source)
        )
        told.append(
            await environment.run(
                activities.validate_snapshot,
                ValidateSnapshot(**asked, task="binary", snapshot=snapshot),
            )
        )
    assert told[0].summary() == told[1].summary()
    return told[0]


async def test_good_rows_pass(project: str, blobs: BlobStore, tmp_path: Path) -> None:
    said = await judged(project, blobs, tmp_path, rows())
    assert said.passed, said.summary()


@pytest.mark.parametrize(
    ("column", "value", "every", "said"),
    [
        pytest.param("size", "", 1, "size is missing in 60 of 60 rows", id="all-null numbers"),
        pytest.param("colour", "", 1, "colour is missing in 60 of 60", id="all-null categories"),
        pytest.param("sold", "", 1, "sold is missing (NaN) in 60 of 60", id="all-null labels"),
        pytest.param("at", "", 1, "at is missing in 60 of 60", id="all-null times"),
        pytest.param("id", "", 1, "id is missing or not unique in 60 of 60", id="all-null keys"),
        pytest.param("id", "k1", 30, "id is missing or not unique in 3 of 60", id="same keys"),
        pytest.param("at", "2199-01-01T00:00:00Z", 30, "at is in the future in 2 of", id="future"),
        pytest.param("sold", 1, 1, "sold has 1 classes (1), but a binary", id="constant label"),
        pytest.param("size", float("inf"), 30, "size is infinite in 2 of 60 rows: k0", id="inf"),
    ],
)
async def test_rows_that_are_refused(
    project: str,
    blobs: BlobStore,
    tmp_path: Path,
    column: str,
    value: object,
    every: int,
    said: str,
) -> None:
    made = rows()
    for row in made[::every]:
        row[column] = value
    found = await judged(project, blobs, tmp_path, made)
    assert not found.passed
    assert said in found.summary()
    assert len(found.model_dump_json()) < 2_000, "never the rows themselves"


@pytest.mark.parametrize(("column", "value"), [("size", "much"), ("at", "yesterday")])
async def test_a_column_of_mixed_types(
    project: str, blobs: BlobStore, tmp_path: Path, column: str, value: str
) -> None:
    made = rows()
    made[5][column] = value
    with pytest.raises(SourceInvalid, match=f"column '{column}' should hold"):
        await judged(project, blobs, tmp_path, made)
