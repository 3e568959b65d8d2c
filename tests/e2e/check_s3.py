"""What is kept in S3 rather than in a folder, on a real server: `make check-s3`, no test run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pyarrow as pa
import pytest

from activities.modelling.data.frames import answering
from infra.stack import Stack
from infra.stack.ports import free_ports
from perennial.authoring import read_table
from perennial.batch_files import BatchFiles
from perennial.blobs import BlobStore
from perennial.contracts.errors import SourceInvalid, Unavailable
from perennial.contracts.spec import Source
from perennial.storage import filesystem
from perennial.storage_s3 import S3
from tests.e2e.test_bad_input import spec_of
from tests.e2e.test_serving import ask, until_version
from tests.people import People, good_rows, write_points
from tests.s3 import BUCKET, Server, server
from tests.servers import local_stack
from tests.unit.ml.conftest import write_project  # noqa: F401 - a fixture
from tests.unit.ml.test_elsewhere import (  # noqa: F401 - the same, kept there
    blobs,
    test_a_blob_that_is_lost_or_broken_there,
    test_a_run_needs_no_disk_but_its_own,
    test_checkpoints_there_are_whole_or_passed_over,
)


@pytest.fixture(scope="module")
def there() -> Iterator[Server]:
    [port] = free_ports(1)
    with pytest.MonkeyPatch.context() as environment, server(port) as started:
        for name, value in started.env.items():
            environment.setenv(name, value)
        yield started


@pytest.fixture
def elsewhere(there: Server, request: pytest.FixtureRequest) -> str:
    return f"s3://{BUCKET}/{request.node.name}"


@pytest.fixture(scope="module")
def stack(there: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PERENNIAL_BLOB_URL", f"s3://{BUCKET}/blobs")
        environment.setenv("PERENNIAL_REQUEST_LOG_URL", f"s3://{BUCKET}/requests")
        with local_stack(tmp_path_factory.mktemp("stack")) as started:
            yield started


@pytest.fixture(scope="module")
def people(stack: Stack) -> People:
    return People(stack)


def test_a_bucket_that_is_not_there_is_not_made(there: Server, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="could not be kept at s3://mistyped/blobs"):
        BlobStore("s3://mistyped/blobs", tmp_path).put_bytes(b"rows")
    fs, _ = filesystem(f"s3://{BUCKET}")
    assert not fs.exists("s3://mistyped")


def test_a_server_that_is_away_is_said_to_be(there: Server, elsewhere: str, tmp_path: Path) -> None:
    kept = BlobStore(elsewhere, tmp_path / "one").put_bytes(b"rows")
    store = BlobStore(elsewhere, tmp_path / "other")
    there.end()
    try:
        for ask_for in (lambda: store.get(kept), lambda: store.put_bytes(b"others")):
            with pytest.raises(Unavailable, match="S3 did not answer"):
                ask_for()
    finally:
        there.begin()
    assert store.get_bytes(kept) == b"rows"


def test_a_source_whose_server_is_away_is_waited_for(there: Server, elsewhere: str) -> None:
    source = Source(uri=f"{elsewhere}/rows.csv")
    there.end()
    try:
        with pytest.raises(Unavailable, match="did not answer"), answering(source):
            read_table(source.uri)
    finally:
        there.begin()
    with pytest.raises(SourceInvalid, match="cannot be read"), answering(source):
        read_table(source.uri)


def test_nobody_asks_without_credentials(there: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    S3.clear_instance_cache()
    try:
        fs, path = filesystem(f"s3://{BUCKET}/nobody")
        with pytest.raises(PermissionError, match="could not be asked"):
            fs.info(path)
    finally:
        S3.clear_instance_cache()  # others have credentials


def test_a_batch_is_logged_there_once(there: Server, elsewhere: str) -> None:
    hour, rows = datetime(2026, 3, 2, 10, tzinfo=UTC), pa.table({"variant": ["a"], "entity": ["b"]})
    fs, root = filesystem(elsewhere)
    for count in (1, 2):  # the second after the first has been cut short
        batch = BatchFiles(elsewhere, "production", "flights", "nightly")
        batch.begin({"rows": 0})
        batch.stage(hour, 1, rows)
        batch.publish()
        assert len(fs.glob(f"{root}/**/date=2026-03-02/hour=10/*.parquet")) == 1, count
    batch.end({"rows": 1})
    assert BatchFiles(elsewhere, "production", "flights", "nightly").known() == {"rows": 1}


def test_a_life_with_everything_in_s3(
    people: People, stack: Stack, there: Server, tmp_path: Path
) -> None:
    data = write_points(tmp_path, good_rows(1000))
    spec = spec_of(data, "Boosted", environments=["production"], request_log={})
    people.apply(spec)
    first = people.run(spec["model"])
    assert first["outcome"] == "promoted", first["reason"]
    with httpx.Client(base_url=stack.urls["serving"], timeout=10) as caller:
        until_version(caller, spec["model"], 1)
        there.end()  # what is served goes on
        assert ask(caller, spec["model"]).status_code == 200
        there.begin()
    again = people.run(spec["model"], epochs=4)
    assert again["outcome"] == "promoted", again["reason"]
    fs, root = filesystem(f"s3://{BUCKET}/requests/environment=production/model={spec['model']}")
    stack.down()  # who answers writes what waits before it ends
    hour = f"{datetime.now(UTC):date=%Y-%m-%d}"
    assert fs.glob(f"{root}/{hour}/hour=*/*.parquet")
