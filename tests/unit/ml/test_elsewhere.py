"""Rows, blobs and checkpoints that are on no disk of this machine: by fsspec, as S3 would be."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest

from activities.checkpoint_files import CheckpointFiles, remove_files
from activities.modelling.projects import load_project
from activities.modelling.training import checkpoints
from activities.modelling.training.loop import Stopped
from perennial.authoring import read_table
from perennial.blobs import BlobCorrupt, BlobStore
from perennial.contracts.base import BlobRef
from perennial.contracts.spec import Source, Training
from perennial.storage import filesystem
from tests.unit.ml.conftest import Write
from tests.unit.ml.stages import Stages, Watching

READS = """
class Own(Base):
    def load(self, source):
        return Base.load(self, None) if source.uri == "made" else ModelProject.load(self, source)
"""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The URL of a store that only fsspec can read."""
    fs, root = filesystem("memory://elsewhere")
    yield "memory://elsewhere"
    fs.rm(root, recursive=True)


@pytest.fixture
def blobs(elsewhere: str, tmp_path: Path) -> BlobStore:
    return BlobStore(f"{elsewhere}/blobs", cache=tmp_path / "cache")


async def test_a_run_needs_no_disk_but_its_own(
    write_project: Write, elsewhere: str, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "_LEAST_SECONDS", 0.0)
    name, (fs, root) = write_project(READS), filesystem(elsewhere)
    rows = load_project(name).own.load(Source(uri="made"))
    for year, part in rows.groupby(rows["id"] % 2):
        with fs.open(f"{root}/rows/year={2024 + year}/part.csv", "w") as file:
            part.to_csv(file, index=False)
    plan, source = Training(epochs=4, batch_size=64, seed=1), Source(uri=f"{elsewhere}/rows")
    run = Stages(blobs, name, "binary", plan, source)
    snapshot = await run.snapshot()
    assert snapshot.rows == len(rows)
    assert snapshot.data.uri.partition(":")[0] == elsewhere.partition(":")[0]
    assert "year" in {column.name for column in snapshot.columns}
    with pytest.raises(Stopped):
        run.trained(snapshot, Watching(until=2))
    resumed = Watching()
    trained = run.trained(snapshot, resumed)
    assert resumed.went_on_from == [1]
    assert (await run.exported(snapshot, trained)).parity.passed


def test_a_blob_that_is_lost_or_broken_there(elsewhere: str, blobs: BlobStore) -> None:
    ref, (fs, root) = blobs.put_bytes(b"rows"), filesystem(elsewhere)
    assert blobs.put_bytes(b"rows") == ref and blobs.get_bytes(ref) == b"rows"
    assert blobs.remove(ref) == 4 and blobs.remove(ref) == 0
    with pytest.raises(BlobCorrupt, match=f"is not in {elsewhere}/blobs; restore it"):
        blobs.get(ref)
    kept = f"{root}/blobs/{ref.sha256[:2]}/{ref.sha256}"
    fs.pipe_file(kept, b"other")
    with pytest.raises(BlobCorrupt, match=r"its bytes have changed; restore it from a backup"):
        blobs.get(ref)
    fs.pipe_file(kept, b"rows")
    assert blobs.get_bytes(ref) == b"rows", "what was restored is read, and no old copy"
    lost = BlobRef(uri=f"{elsewhere}/x", sha256="0" * 64, size=1)
    with pytest.raises(BlobCorrupt, match="is not in"):
        blobs.get(lost)


def test_checkpoints_there_are_whole_or_passed_over(elsewhere: str) -> None:
    files, (fs, _) = CheckpointFiles(elsewhere, "run", "key"), filesystem(elsewhere)
    assert files.newest() is None
    for epoch in (1, 2, 3):
        files.keep(epoch, b"epoch %d" % epoch)
    two, three = sorted(path.rpartition("/")[2] for path in fs.ls(files.folder, detail=False))
    assert (files.newest(), files.read(three)) == (three, b"epoch 3")
    fs.pipe_file(f"{files.folder}/{three}", b"epoch")
    assert files.newest() == two
    remove_files(elsewhere, "run")
    assert files.newest() is None


def test_rows_behind_a_web_server(tmp_path: Path) -> None:
    rows = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    rows.to_csv(tmp_path / "rows.csv", index=False)
    rows.to_parquet(tmp_path / "rows.parquet", index=False)

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    serving = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=serving.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        at = f"http://127.0.0.1:{serving.server_port}"
        for ending in ("csv", "parquet"):
            assert read_table(f"{at}/rows.{ending}")["a"].tolist() == [1, 2]
        with pytest.raises(FileNotFoundError):
            read_table(f"{at}/nowhere.csv")
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()
