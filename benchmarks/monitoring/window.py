"""A whole window of a million rows by 20 columns: from the log's files to everything judged."""

from __future__ import annotations

import io
import statistics
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from temporalio.testing import ActivityEnvironment

from activities.modelling.data.profiles import profile_frame
from activities.modelling.requests.frames import answer_columns
from activities.windows import WindowActivities
from benchmarks.monitoring import frames
from benchmarks.results import Row, row
from perennial.blobs import BlobStore
from perennial.contracts.monitoring import JudgeWindow, Monitored
from perennial.contracts.monitoring_plan import MonitoringPlan
from perennial.contracts.request_log import RequestLog
from perennial.contracts.serving import WHOLE, Deployment, Variant
from serving.columns import Input
from serving.log_files import LogFiles
from serving.pages import Page, Whose
from serving.records import Area, Records

ROWS, COLUMNS = 1_000_000, 20
_FILES, _ROUNDS = 40, 3
_LOG_BYTES = 16 * 1024 * 1024
_TARGET = 5.0
_START = datetime(2024, 5, 1, 12, tzinfo=UTC)
_CLASSES = ("late", "on time")


_INPUTS = (
    *(Input(name, (name,), text=False) for name in frames.numbers(COLUMNS)),
    *(Input(name, (name,), text=True) for name in frames.texts(COLUMNS)),
)


async def run() -> list[Row]:
    """Seconds of the activity, as it says them itself."""
    with tempfile.TemporaryDirectory(prefix="pb-") as name:
        root = Path(name)
        path = frames.write(root, ROWS, COLUMNS)
        blobs, log = BlobStore(f"file://{root / 'blobs'}"), f"file://{root / 'log'}"
        monitored = _reference(path, blobs)
        _log(path, LogFiles(log, "p1"), monitored)
        asked = JudgeWindow(
            model="m",
            environment="production",
            version=1,
            start=_START,
            end=_START + timedelta(hours=1),
            monitored=monitored,
        )
        seconds = []
        for by in ((), (frames.texts(COLUMNS)[0],)):
            plan = MonitoringPlan(segments=by)
            told = asked.model_copy(
                update={"monitored": monitored.model_copy(update={"plan": plan})}
            )
            seconds.append(await _took(WindowActivities(blobs, log), told))
    case = f"a window of {ROWS:,} rows x {COLUMNS} columns, from the log's files to its verdict"
    return [
        row(case, statistics.median(seconds[0][1:]), "s", target=_TARGET),
        row("the same, the first one of a worker", seconds[0][0], "s"),
        row("the same by 20 segments, too", statistics.median(seconds[1][1:]), "s"),
    ]


async def _took(activities: WindowActivities, asked: JudgeWindow) -> list[float]:
    seconds = []
    for _ in range(_ROUNDS + 1):
        found = await ActivityEnvironment().run(activities.judge_window, asked)
        if found.rows != ROWS or found.drift.verdict != "inconclusive":
            raise RuntimeError(f"{found.rows:,} rows were judged: {found.drift.reason}")
        seconds.append(found.seconds)
    return seconds


def _reference(path: Path, blobs: BlobStore) -> Monitored:
    snapshot, _ = frames.read(path)
    rows = io.BytesIO()
    snapshot.to_parquet(rows)
    return Monitored(
        model="m",
        environment="production",
        version=1,
        reference=blobs.put_bytes(profile_frame(snapshot, _START, "reference")),
        snapshot=blobs.put_bytes(rows.getvalue()),
        answers=blobs.put_bytes(
            profile_frame(answer_columns(_answers(len(snapshot)), _CLASSES), _START, "reference")
        ),
        inputs=tuple(snapshot.columns),
    )


def _answers(rows: int) -> np.ndarray:
    likely = np.random.default_rng(rows).random(rows).astype(np.float32)
    return np.column_stack([likely, 1 - likely])


def _log(path: Path, files: LogFiles, monitored: Monitored) -> None:
    """Files as the data plane writes them: 25,000 rows each."""
    _, window = frames.read(path)
    assert monitored.reference is not None
    champion = Variant(name="champion", version=1, onnx=monitored.reference, weight=WHOLE)
    deployment = Deployment(
        model="m",
        environment="production",
        epoch=1,
        log=RequestLog(event_time="header", keep="30d"),
        variants=(champion,),
    )
    area = Area(bytearray(_LOG_BYTES))
    for number in range(_FILES):
        part = window.iloc[number::_FILES]
        area.clear()
        records = Records(area)
        kept = records.keep(
            at=_START.timestamp() + number,
            seconds=0.001,
            named=False,
            request_id=b"%d" % number,
            entity=None,
            inputs={
                each.name: part[[each.name]].to_numpy(
                    dtype=np.dtype(object) if each.text else np.dtype("float32")
                )
                for each in _INPUTS
            },
            answer=_answers(len(part)),
        )
        assert kept
        files.write(Page(Whose(deployment, champion, False, _INPUTS, _CLASSES), records))
