"""Rows with features of a real Feast repository: `make check-feast`, not the test run.

Feast's environment takes a minute to install, and each question some seconds of its imports.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from temporalio.testing import ActivityEnvironment

from activities.data import DataActivities
from activities.modelling.data.snapshots import Frames
from infra.feast import install
from perennial.authoring import Source, feature_views, read_batches
from perennial.blobs import BlobStore
from perennial.contracts.data import DatasetSnapshot, TakeSnapshot
from perennial.contracts.errors import SourceInvalid, Unavailable
from perennial.contracts.serving import Deployment, Variant
from perennial.contracts.spec import Training
from perennial.feast import environment
from serving.desk import Desk
from tests.feast_repository import NOW, Repository, days
from tests.unit.ml.conftest import Write, write_project  # noqa: F401
from tests.unit.ml.making import export, fit
from tests.unit.serving.running import served

FEAST = Path(environment.__file__).parent
READS = """
class Own(Base):
    load = ModelProject.load

    def features(self):
        return Features(
            target="returned",
            numeric=["price", "orders", "spent", "rate", "rain"],
            categorical=["product"],
            key="order",
            time="ordered",
        )
"""
ASKS = """
import sys
from perennial.authoring import Source, read_batches
list(read_batches(Source.model_validate_json(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    yield Repository(tmp_path_factory.mktemp("feast") / "repo", install())


def orders(folder: Path, rows: dict[str, list[Any]], name: str = "orders.parquet") -> Path:
    path = folder / name
    pq.write_table(pa.table(rows), path)
    return path


def source(path: Path, repository: Repository, **plan: Any) -> Source:
    named = {} if "features" in plan else {"service": "returns"}
    views = {"repo": str(repository.folder), "time": "ordered", **named, **plan}
    return Source.model_validate({"uri": str(path), "feature_views": views})


def test_features_are_those_of_the_rows_own_times(repository: Repository, tmp_path: Path) -> None:
    rows = {
        "order": list(range(8)),
        # the first two have one buyer and time; the next are before, in and after what is known
        "buyer": [1, 1, 1, 1, 1, 2, 3, None],
        "product": ["a", "b", "a", "a", "a", "b", "c", "a"],
        "ordered": [NOW, NOW, days(60), days(39), days(2), days(11), NOW, NOW],
        "colour": ["red", "red", None, "red", "red", "red", "red", "red"],
    }
    asked = source(orders(tmp_path, rows), repository)
    table = pa.Table.from_batches(read_batches(asked))
    assert {field.name: str(field.type) for field in table.schema} == {
        "order": "int64",
        "buyer": "int64",
        "product": "string",
        "ordered": "timestamp[us, tz=UTC]",
        "colour": "string",
        "orders": "int64",
        "spent": "float",
        "rate": "double",
        "rain": "double",
    }
    told = table.to_pydict()
    assert {name: told[name] for name in rows} == rows, "rows are as they were, in their order"
    # 38 days after its only orders nothing is known of buyer 1: the view forgets after 30
    assert told["orders"] == [5, 5, None, 1, None, 7, None, None]
    assert told["spent"] == [50.25, 50.25, None, 10.5, None, 20.0, None, None]
    assert told["rate"] == [0.25, 0.75, None, 0.25, 0.25, 0.75, None, 0.25]
    assert told["rain"] == [2.0, 2.0, None, 1.0, 2.0, 1.0, 2.0, 2.0]
    assert not repository.mark.exists(), "code of the registry has been run"


def test_one_view_under_two_names(repository: Repository, tmp_path: Path) -> None:
    rows = {"buyer": [1, 2], "friend": [2, 1], "ordered": [days(39), days(39)]}
    asked = source(orders(tmp_path, rows), repository, service="pairs", full_names=True)
    told = pa.Table.from_batches(read_batches(asked)).to_pydict()
    assert told["own__orders"] == [1, 7]
    assert told["friend__orders"] == [7, 1]
    views = feature_views.describe(asked)
    assert [each.name for each in views] == ["own", "friend"]
    assert len({each.digest for each in views}) == 2


def test_rows_from_csv_in_many_parts(repository: Repository, tmp_path: Path) -> None:
    count = 300_000
    frame = pd.DataFrame(
        {
            "buyer": np.resize([1.0, np.nan], count),
            "ordered": np.resize([NOW.isoformat(), days(39).isoformat()], count),
            "text": "x" * 60,
        }
    )
    frame.to_csv(tmp_path / "orders.csv", index=False)
    asked = source(tmp_path / "orders.csv", repository, features=["buyers:orders"])
    batches = list(read_batches(asked))
    assert len(batches) > 1 and sum(map(len, batches)) == count
    for batch in batches:
        buyers = batch["buyer"].to_pylist()
        assert batch["orders"].to_pylist() == [None if b is None else 5 for b in buyers]


@pytest.mark.parametrize(
    ("plan", "rows", "said"),
    [
        ({"service": "no"}, {}, "Feast: FeatureServiceNotFoundException: .*no"),
        ({"features": ["no:orders"]}, {}, "no feature view 'no' .*it has buyers, products, weat"),
        ({"features": ["buyers:no"]}, {}, "'buyers' has no feature 'no'; it has orders, spent"),
        ({"features": ["doubled:twice"]}, {}, "'doubled' computes its features on demand"),
        ({"service": "pairs"}, {}, "two features would both be the column 'orders'; set"),
        ({}, {"spent": [1.0]}, "a column 'spent' already.*leave it out of the rows"),
        ({}, {"product": None}, "no column 'product', which feature view 'products' is joined by"),
        ({"time": "when"}, {}, "no column 'when', which feature_views.time names; they have buyer"),
        ({}, {"ordered": ["today"]}, "'ordered'.*should hold dates and times, but holds string"),
        ({}, {"ordered": pa.array([None], pa.timestamp("us"))}, "'ordered'.*is missing in 1 rows"),
        ({}, {"buyer": ["1"]}, "'buyer' holds string, and the key of .*'buyers' is int64"),
        ({}, {"buyer": [1.5]}, "'buyer' holds double, and the key"),
        (
            {},
            {"buyer": [4, 3], "product": ["a", "a"], "ordered": [NOW, NOW]},
            "buyers:orders has whole numbers of 9,007,199,254,740,99. beside missing",
        ),
        ({"repo": "/nowhere"}, {}, "there is no /nowhere/feature_store.yaml; mend feature_views"),
    ],
)
def test_what_is_refused(
    repository: Repository, tmp_path: Path, plan: dict[str, Any], rows: dict[str, Any], said: str
) -> None:
    whole = {"buyer": [1], "product": ["a"], "ordered": [NOW], **rows}
    path = orders(tmp_path, {name: value for name, value in whole.items() if value is not None})
    with pytest.raises(SourceInvalid, match=said):
        list(read_batches(source(path, repository, **plan)))


def many(folder: Path) -> Path:
    rng = np.random.default_rng(1)
    count = 400
    return orders(
        folder,
        {
            "order": list(range(count)),
            "buyer": rng.choice([1, 2, 3], count).tolist(),
            "product": rng.choice(["a", "b"], count).tolist(),
            "price": rng.normal(10, 3, count).tolist(),
            "ordered": [days(float(ago)) for ago in rng.uniform(0, 60, count)],
            "returned": rng.choice([0, 1], count).tolist(),
        },
        "many.parquet",
    )


async def take(blobs: BlobStore, project: str, asked: Source) -> DatasetSnapshot:
    activities = DataActivities(blobs, Frames(blobs))
    question = TakeSnapshot(run_id="r", model="returns", project=project, source=asked)
    made: DatasetSnapshot = await ActivityEnvironment().run(activities.take_snapshot, question)
    return made


async def test_a_snapshot_knows_its_feature_views(
    repository: Repository, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    write: Write = request.getfixturevalue("write_project")
    project, blobs = write(READS), BlobStore(f"file://{tmp_path / 'blobs'}")
    asked = source(many(tmp_path), repository)
    first = await take(blobs, project, asked)
    assert [(each.name, each.features) for each in first.feature_views] == [
        ("buyers", ("orders", "spent")),
        ("products", ("rate",)),
        ("weather", ("rain",)),
    ]
    repository.apply()
    repository.materialize()
    assert feature_views.describe(asked) == first.feature_views, "it says what it said"
    repository.apply("another description")
    second = await take(blobs, project, asked)
    assert second.digest == first.digest and second.transformation != first.transformation
    told = zip(second.feature_views, first.feature_views, strict=True)
    assert [now.digest == then.digest for now, then in told] == [False, True, True]
    defined = asked.as_defined(feature_views.definitions(first.feature_views))
    with pytest.raises(Unavailable, match="have changed while rows were read"):
        list(read_batches(defined))


async def test_what_is_served_is_what_was_trained(
    repository: Repository, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    write: Write = request.getfixturevalue("write_project")
    project, blobs = write(READS), BlobStore(f"file://{tmp_path / 'blobs'}")
    repository.materialize()
    snapshot = await take(blobs, project, source(many(tmp_path), repository))
    fitted = fit(
        project,
        training=Training(epochs=2, batch_size=64, seed=1),
        frame=Frames(blobs).read(snapshot),
    )
    export(fitted, tmp_path)
    onnx = blobs.put(tmp_path / "model.onnx")
    variant = Variant(name="champion", version=1, onnx=onnx, weight=10_000)
    desk = Desk(blobs)
    await desk.take(
        Deployment(model="returns", environment="production", epoch=1, variants=(variant,))
    )
    # buyer 2 is known, and too long ago; nobody knows buyer 3
    known = [
        {"buyer": buyer, "product": product, "price": 9.5}
        for buyer, product in ((1, "a"), (2, "b"), (3, "a"))
    ]
    now = {name: [row[name] for row in known] for name in known[0]} | {"ordered": [NOW] * 3}
    joined = source(orders(tmp_path, now), repository)
    whole = [
        {name: value for name, value in row.items() if name != "ordered"}
        for row in pa.Table.from_batches(read_batches(joined)).to_pylist()
    ]
    assert [row["orders"] for row in whole] == [5, None, None]
    async with served(desk) as client:
        told = await client.post("/v1/models/returns:predict", json={"instances": whole})
        assert told.status_code == 200, told.text
        command = [
            str(repository.python),
            str(FEAST / "online.py"),
            *("--repo", str(repository.folder), "--service", "returns"),
            *("--serving", str(client.base_url), "returns"),
            *map(json.dumps, known),
        ]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert [json.loads(line) for line in out.splitlines()] == told.json()["predictions"]


def test_it_ends_with_who_asked(repository: Repository, tmp_path: Path) -> None:
    asked = source(many(tmp_path), repository).model_dump_json()
    asker = subprocess.Popen([sys.executable, "-c", ASKS, asked])
    try:
        while not (children := psutil.Process(asker.pid).children()):
            assert asker.poll() is None
    finally:
        asker.kill()
        asker.wait()
    gone, left = psutil.wait_procs(children, timeout=30)
    assert gone and not left
