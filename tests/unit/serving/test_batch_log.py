"""Batches that a job has scored by itself: into the log of requests by the library's own door."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from fsspec.implementations.local import LocalFileSystem

from activities.modelling.labels.search import find_requests
from activities.modelling.requests.answers_log import AnswersLog, read_answers
from activities.modelling.requests.frames import read_window
from api.app import create_app
from api.context import Context
from perennial import batch_log, batch_rows
from perennial.batch_log import BatchChanged, BatchInvalid, Logged, log_batch
from perennial.client import Client
from perennial.contracts import records
from perennial.contracts.errors import Refused
from perennial.contracts.labels import WaitingLabel
from perennial.settings import Settings
from tests.samples import exported, move, record_run, record_version, spec
from tests.served import served
from tests.unit.serving.running import Put

TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LOG = {"event_time": "header"}


class Job:
    """Scores by itself, and logs what came out."""

    def __init__(self, client: Client, context: Context, token: str) -> None:
        self.client = client
        self.token = token
        self.context = context
        self.settings = context.settings

    def apply(self, **changes: Any) -> None:
        recorded = records.RecordSpec(effect=str(changes), spec=spec(**changes), actor="a", at=TEN)
        self.context.store.record_spec(recorded)

    def log(self, rows: Any, batch: str = "nightly", **more: Any) -> Logged:
        asked = {"model": "flights", "client": self.client, "settings": self.settings}
        return log_batch(rows, batch=batch, **asked, **more)

    def follow(self, guide: str, scored: pd.DataFrame, patch: pytest.MonkeyPatch) -> None:
        """Run the code of a guide, with the surroundings of a job."""
        (code,) = re.findall(r"^```python\n(.*?)^```", Path(guide).read_text(), re.S | re.M)
        patch.setenv("PERENNIAL_STATE_DIR", str(self.settings.state_dir))
        patch.setenv("PERENNIAL_BLOB_URL", self.settings.blob_url)
        patch.setenv("PERENNIAL_API_URL", self.client.url)
        patch.setenv("PERENNIAL_TOKEN", self.token)
        exec(code, {"scored": scored})

    def files(self) -> list[str]:
        log = Path(self.settings.requests.removeprefix("file://"))
        return sorted(str(path.relative_to(log)) for path in log.rglob("*.*"))


@pytest.fixture
def job(put: Put, tmp_path: Path) -> Iterator[Job]:
    """A champion whose file is a real one, and the API that tells of it."""
    where = {"state_dir": tmp_path / "state", "blob_url": f"file://{tmp_path / 'blobs'}"}
    context = Context.open(Settings.model_validate(where))
    (tmp_path / "state").mkdir(exist_ok=True)
    version = record_version("r1").model_copy(
        update={"exported": exported().model_copy(update={"onnx": put(1.0)})}
    )
    store = context.store
    recorded = records.RecordSpec(effect="s", spec=spec(request_log=LOG), actor="a", at=TEN)
    store.record_spec(recorded)
    store.record_run(record_run("r1"))
    store.record_version(version)
    store.move_champion(move(1, 0))
    tokens = json.loads(Path(context.settings.tokens).read_text())["tokens"]
    token = next(each["token"] for each in tokens if each["role"] == "viewer")
    with served(create_app(context)) as url:
        client = Client(url, token)
        yield Job(client, context, token)
        client.close()


def frame(rows: int = 6, **changes: Any) -> pd.DataFrame:
    late = np.linspace(0.1, 0.9, rows)
    columns = {
        "size": np.arange(rows, dtype=float),
        "colour": ["red", "3"] * (rows // 2),
        "p0": np.ones(rows, dtype=int),
        "p1": np.arange(rows) + 10,
        "p2": np.arange(rows) + 20,
        "at": [TEN + number * 30 * MINUTE for number in range(rows)][::-1],
        "probability.late": late,
        "probability.on time": 1 - late,
        "kept for nobody": "x",
    }
    return pd.DataFrame(columns | changes).drop(
        columns=[n for n, v in changes.items() if v is None]
    )


@pytest.mark.parametrize("longest", [batch_rows.STRUCT_COLUMNS, 2], ids=["struct", "list"])
def test_what_was_scored_elsewhere_is_judged_as_what_was_asked(
    job: Job, monkeypatch: pytest.MonkeyPatch, longest: int
) -> None:
    monkeypatch.setattr(batch_log, "_AT_ONCE", 1)
    monkeypatch.setattr(batch_rows, "STRUCT_COLUMNS", longest)  # of three pixels
    rows = frame(size=[0, 1, np.nan, 3, 4, 5], entity=["c"] * 6)
    assert job.log(rows) == Logged(rows=6, version=1, hours=3)
    asked = job.settings.requests, "production", "flights", TEN, TEN + 2 * HOUR
    ((variant, version), found), *others = read_window(*asked).items()
    assert (variant, version, others) == ("champion", 1, [])
    # the newest rows stand first in the frame
    assert found["size"].tolist()[:3] == [5, 4, 3] and pd.isna(found["size"].tolist()[3])
    assert found["p2"].tolist() == [25, 24, 23, 22] and found["colour"].tolist()[0] == "3"
    assert found["probability.late"].tolist() == pytest.approx([0.9, 0.74, 0.58, 0.42])
    assert found["prediction"].tolist() == ["late", "late", "late", "on time"]
    log = AnswersLog(asked[0], "production", "flights")
    answers = read_answers(log, 1, TEN, TEN + HOUR, columns=["colour"])
    assert answers is not None and answers.classes == ("late", "on time")
    label = WaitingLabel("nightly/5", 0, None, None, TEN)
    assert [each.at for each in find_requests(log, [label], TEN, [])] == [TEN]
    # once: a job that repeats its step changes nothing
    before = job.files()
    assert job.log(rows).repeated and job.log(pa.table(rows)).repeated
    assert job.files() == before
    with pytest.raises(BatchChanged, match="logged before with other rows"):
        job.log(rows.assign(p1=0))
    job.follow("docs/guides/monitor-a-model.md", rows, monkeypatch)
    assert job.log(rows, "nightly-2026-03-01").repeated


def test_a_job_that_dies_leaves_nothing_half(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    moves: list[str] = []
    move_: Callable[..., Any] = LocalFileSystem.mv

    def dies(self: Any, source: str, target: str, **more: Any) -> None:
        moves.append(target)
        if len(moves) == 3:  # of the first hour's file, and before that of what is said
            raise OSError("no space left on device")
        move_(self, source, target, **more)

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "mv", dies)
        with pytest.raises(OSError, match="no space left"):
            job.log(frame())
    assert len([path for path in job.files() if path.startswith("environment=")]) == 1
    assert job.log(frame().assign(p1=7)) == Logged(rows=6, version=1, hours=3)
    logged = [path for path in job.files() if path.startswith("environment=")]
    assert [path.split("/")[3] for path in logged] == ["hour=10", "hour=11", "hour=12"]
    assert len(job.files()) == 4, "beside them what is said of the batch"


REFUSED = [
    (frame(p1=None), "no column 'p1'; the model is asked with size, p0, p1, p2, colour"),
    (frame(**{"probability.late": None}), "no column 'probability.late'"),
    (frame(**{"probability.late": [0.5] * 5 + [1.5]}), "from 0 to 1"),
    (frame(**{"probability.late": [0.5] * 5 + [None]}), "1 missing"),
    (frame(size="large"), "column 'size' holds numbers, not"),
    (frame(at=None), "no column 'at'"),
    (frame(at=TEN.replace(tzinfo=None)), "times with a zone, not timestamp"),
    (frame(at=[TEN] * 5 + [None]), "column 'at' has 1 missing"),
    (frame(at=datetime.now(UTC) + HOUR), "the log keeps those of"),
    (frame(request_id=["a"] * 5 + [None]), "'request_id' has 1 missing"),
    (frame(entity="c" * 300), "an id of 300 characters"),
    (frame(0), "a batch has 1 to 5,000,000 rows"),
]


def test_rows_that_do_not_fit_are_refused_whole(job: Job) -> None:
    for rows, says in REFUSED:
        with pytest.raises(BatchInvalid) as error:
            job.log(rows)
        assert says in error.value.message
    assert job.files() == []


def test_what_the_spec_does_not_keep_is_refused(job: Job) -> None:
    with pytest.raises(Refused, match="no champion in staging"):
        job.log(frame(), environment="staging")
    job.apply(request_log={"keep": "2d"})
    with pytest.raises(BatchInvalid, match="the log keeps those of"):
        job.log(frame())
    assert job.log(frame(at=None), at=datetime.now(UTC)).hours == 1
    job.apply()
    with pytest.raises(Refused, match="add request_log"):
        job.log(frame(), "second")
    assert len(job.files()) == 2, "the file, and what is said of the batch"
