"""Windows of real requests beside what the champion learnt from, and windows that are no good."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from temporalio.testing import ActivityEnvironment

from activities.modelling.data import profiles
from activities.modelling.data.profiles import profile_frame
from activities.modelling.data.sketches import read_profile, read_sketches
from activities.modelling.export.graphs import Graph
from activities.modelling.requests.frames import answer_columns
from activities.windows import WindowActivities
from perennial.blobs import BlobStore
from perennial.contracts.base import BlobRef
from perennial.contracts.drift import EarlierWindow, WindowDrift
from perennial.contracts.monitoring import JudgeWindow, Monitored, WindowJudged
from perennial.contracts.monitoring_plan import MonitoringPlan
from perennial.contracts.request_log import RequestLog
from perennial.contracts.serving import WHOLE, Deployment, Variant
from serving.desk import Desk
from serving.log_files import LogFiles
from tests.unit.serving.running import PREDICT, Put, served

START, HOUR = datetime(2024, 5, 1, 12, tzinfo=UTC), timedelta(hours=1)
INPUTS = ("colour", "p0", "p1", "p2", "size")
ROWS = 900


def drawn(rows: int, seed: int) -> pd.DataFrame:
    """Rows as a snapshot has them."""
    rng = np.random.default_rng(seed)
    pixels = {name: rng.integers(0, 5, rows) for name in ("p0", "p1", "p2")}
    colour = rng.choice(["red", "green"], rows, p=[0.7, 0.3])
    size = rng.normal(np.where(colour == "red", 0.0, 1.0))
    return pd.DataFrame(pixels | {"size": size, "colour": colour})


class Plane:
    """A champion that answers, and its reference."""

    def __init__(self, desk: Desk, put: Put, blobs: BlobStore, folder: Path) -> None:
        self.desk, self.blobs, self.folder, self.log = desk, blobs, folder, folder / "requests"
        self.files, self.put, self.epoch = LogFiles(f"file://{self.log}", "p1"), put, 0
        self.activities = WindowActivities(blobs, f"file://{self.log}")
        snapshot = drawn(4000, seed=0)
        graph = Graph(blobs.get(put(0)))
        scores = graph.scores(snapshot.iloc[:2000]).astype("float32")
        rows = io.BytesIO()
        snapshot.assign(late=1).to_parquet(rows)
        self.monitored = Monitored(
            model="flights",
            environment="production",
            plan=MonitoringPlan(segments=("colour",)),
            version=2,
            reference=blobs.put_bytes(profile_frame(snapshot.assign(late=1), START)),
            answers=blobs.put_bytes(profile_frame(answer_columns(scores, graph.classes), START)),
            snapshot=blobs.put_bytes(rows.getvalue()),
            inputs=INPUTS,
        )

    async def ask(self, rows: pd.DataFrame, version: int = 2, at: datetime = START) -> None:
        self.epoch += 1
        champion = Variant(name="champion", version=version, onnx=self.put(0), weight=WHOLE)
        control = champion.model_copy(update={"name": "control", "weight": 0})
        shadow = Variant(name="challenger", version=3, onnx=self.put(5), weight=0, shadow=WHOLE)
        deployment = Deployment(
            model="flights",
            environment="production",
            epoch=self.epoch,
            log=RequestLog(event_time="header"),
            variants=(shadow, champion, control),
        )
        await self.desk.take(deployment)
        async with served(self.desk, files=self.files) as client:
            answer = await client.post(
                PREDICT,
                json={"instances": rows.to_dict("records")},
                headers={"x-event-time": at.isoformat()},
            )
            assert answer.status_code in (200, 500), answer.text

    async def judge(self, start: datetime = START, **monitored: Any) -> WindowJudged:
        asked = JudgeWindow(
            model="flights",
            environment="production",
            version=2,
            start=start,
            end=start + HOUR,
            monitored=self.monitored.model_copy(update=monitored),
        )
        return await ActivityEnvironment().run(self.activities.judge_window, asked)


@pytest.fixture
def plane(desk: Desk, put: Put, blobs: BlobStore, tmp_path: Path) -> Plane:
    return Plane(desk, put, blobs, tmp_path)


async def test_a_window_like_the_reference(plane: Plane) -> None:
    await plane.ask(drawn(ROWS, seed=1))
    await plane.ask(drawn(100, seed=2).assign(p0=5000), at=START + HOUR / 2)  # the graph fails
    await plane.ask(drawn(200, seed=3), version=1)
    await plane.ask(drawn(ROWS, seed=4).assign(size=9), at=START + HOUR)
    # the hundred that failed are a tenth of all answers, so the policy would hear of them
    found = await plane.judge(inputs=("colour", "p1", "p2", "size"))
    assert (found.rows, found.failed, found.traffic) == (ROWS + 100, 100, {1: 200, 2: ROWS + 100})
    drift = found.drift
    assert drift.columns.verdict == "pass", drift.reason
    assert drift.predictions is not None and drift.predictions.verdict == "inconclusive"
    assert {each.measure for each in drift.findings} == {"missing"}
    assert found.profile is not None and found.details is not None and found.seconds > 0
    kept = read_sketches(plane.blobs.get_bytes(found.profile))
    assert kept["size"].rows == ROWS + 100 and kept["prediction"].missing == 100
    details = WindowDrift.model_validate_json(plane.blobs.get_bytes(found.details))
    assert [each.column for each in details.columns] == ["colour", "p1", "p2", "size"]
    names = ["prediction", "probability.late", "probability.on time"]
    assert [each.column for each in details.predictions] == names
    # the very form of the held-out answers: float32 and the texts of the classes
    assert all((each.psi or 0) < 0.05 for each in details.predictions)
    assert found.estimated is not None and found.estimated.skipped == 100
    assert 0.5 < found.estimated.metrics["accuracy"] < 1
    for error, named in ((0.1, True), (0.11, False)):
        again = await plane.judge(promised={"calibration_error": error})
        assert (again.estimated is not None) == named, "of calibrated classifiers only"
    assert found.multivariate is not None and found.multivariate.verdict == "pass"
    # 300 rows of another colour are too few to be judged
    [red] = found.segments
    assert (red.segment, red.verdict.verdict) == ("colour=red", "pass"), red.verdict.reason
    assert red.rows > 600 and red.share == red.rows / found.rows


async def test_a_window_is_kept_finer_where_it_becomes_a_part_of_a_reference(
    plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "SIZES", {"window": 64, "rolling": 2 * ROWS})
    await plane.ask(drawn(ROWS, seed=1))
    exact = []
    for plan in (MonitoringPlan(), MonitoringPlan(reference="rolling")):
        found = await plane.judge(plan=plan)
        assert found.profile is not None
        column = read_profile(plane.blobs.get_bytes(found.profile)).get_column("size")
        assert column is not None
        exact.append(not column.get_metric("distribution").kll.value.is_estimation_mode())
    assert exact == [False, True]


async def test_a_segment_that_moves_is_found_and_named(plane: Plane) -> None:
    rows = drawn(3000, seed=1)
    rows["size"] = np.where(rows["colour"] == "green", rows["size"] + 2, rows["size"])
    await plane.ask(rows)
    found = await plane.judge(onnx=plane.put(0))
    assert found.drift.verdict == "fail" and found.drift.moved[0].column == "size"
    assert found.answers is not None and found.answers.answer == "probability.on time"
    (largest, *_) = found.answers.columns
    assert (largest.column, largest.change < -0.05, largest.share > 0.9) == ("size", True, True)
    whose, *_ = found.answers.segments
    assert (whose.segment, whose.share > 0.5) == ("colour=green", True), whose
    assert found.beside == found.beside_rows == "the rows that version 2 learnt from"
    green, red = found.segments
    assert (green.segment, green.verdict.verdict) == ("colour=green", "fail")
    assert green.verdict.findings[0].column == "size" and green.verdict.excess > 1
    assert (red.segment, red.verdict.verdict) == ("colour=red", "pass"), red.verdict.reason
    assert found.multivariate is not None and found.multivariate.columns[0] == "size"
    assert found.multivariate.verdict == "inconclusive", found.multivariate.reason


async def test_what_no_column_shows_by_itself_fails_a_window_whose_plan_hears_it(
    plane: Plane,
) -> None:
    """All greens are small and all reds large: greens were larger. Of each there is the usual."""
    rows = drawn(3000, seed=1)
    rows["size"] = np.sort(rows["size"])
    rows["colour"] = np.sort(rows["colour"])
    await plane.ask(rows)
    columns = ("colour",)
    found = await plane.judge(plan=MonitoringPlan(segments=columns))
    assert found.drift.columns.verdict == "pass", found.drift.reason
    assert found.drift.verdict != "fail", "it is in the report alone"
    for also, says in (("segments", "colour=green: columns: size"), ("together", "domain class")):
        plan = {"segments": columns, "drift": {"also": [also]}}
        found = await plane.judge(plan=MonitoringPlan.model_validate(plan), onnx=plane.put(0))
        assert found.drift.verdict == "fail" and says in found.drift.reason, found.drift.reason
        assert found.drift.columns.verdict == "pass"


async def test_a_window_beside_those_before_it(plane: Plane) -> None:
    """What has moved since the training is the usual by now; what moves today is not."""
    rolling = MonitoringPlan(reference="rolling", reference_windows=2)
    earlier: tuple[EarlierWindow, ...] = ()
    for hour, shift in enumerate((2, 2, 2, 4)):
        start = START + hour * HOUR
        rows = drawn(ROWS, seed=hour + 1)
        await plane.ask(rows.assign(size=rows["size"] + shift), at=start)
        found = await plane.judge(start, plan=rolling, rolling=earlier[-2:], onnx=plane.put(0))
        assert found.profile is not None
        said = found.drift.verdict, found.drift.reason
        if hour < 2:
            assert said[0] == "no_data" and f"{hour} of 2 windows of version 2" in said[1]
        else:
            assert said[0] == ("pass" if hour == 2 else "fail"), said[1]
            assert found.beside == (
                f"the 2 windows before it from 2024-05-01 {10 + hour}:00 to "
                f"2024-05-01 {12 + hour}:00"
            )
            # rows of them are not at hand, and the words say so
            assert found.beside_rows == "the rows that version 2 learnt from"
            assert found.multivariate is not None and found.multivariate.verdict != "pass"
        earlier += (EarlierWindow(start=start, end=start + HOUR, profile=found.profile),)
    assert found.drift.predictions is not None, "the windows before hold the answers too"
    assert found.drift.moved[0].column == "size"
    assert found.answers is not None and found.answers.columns[0].column == "size"
    broken = (*earlier[:1], earlier[1].model_copy(update={"profile": garbage(plane)}))
    found = await plane.judge(plan=rolling, rolling=broken)
    assert found.drift.verdict == "error" and "`monitoring.reference: training`" in (
        found.drift.reason
    )


async def test_a_window_without_requests_of_the_champion(plane: Plane) -> None:
    found = await plane.judge()
    assert (found.rows, found.drift.verdict, found.profile) == (0, "no_data", None)
    await plane.ask(drawn(20, seed=1), version=1)
    found = await plane.judge()
    assert (found.rows, found.traffic, found.drift.verdict) == (0, {1: 20}, "no_data")
    assert "version 2 answered; others answered 20 rows" in found.drift.reason


async def test_a_window_with_few_rows_and_one_of_one_value(plane: Plane) -> None:
    await plane.ask(drawn(1, seed=1))
    found = await plane.judge()
    assert (found.rows, found.drift.verdict, found.segments) == (1, "no_data", ())
    assert found.multivariate is not None and found.multivariate.verdict == "no_data"
    one = pd.concat([drawn(1, seed=2)] * ROWS).assign(size=None)
    await plane.ask(one, at=START + HOUR)
    found = await plane.judge(START + HOUR)
    assert (found.rows, found.drift.verdict) == (ROWS, "fail")
    missing = next(each for each in found.drift.findings if each.measure == "missing")
    assert (missing.column, missing.value) == ("size", 1.0)
    assert found.multivariate is not None and found.multivariate.verdict == "fail"


async def test_values_that_are_no_numbers(plane: Plane) -> None:
    """What is beyond float32 arrives as infinite, and null as missing; nothing breaks on either."""
    odd = drawn(180, seed=2)
    odd["size"] = pd.Series([1e39] * 60 + [-1e39] * 60 + [None] * 60, dtype=object)
    await plane.ask(drawn(ROWS - 180, seed=1))
    await plane.ask(odd, at=START + HOUR / 2)
    found = await plane.judge(onnx=plane.put(0))
    assert (found.rows, found.failed, found.drift.verdict) == (ROWS, 180, "fail")
    shares = {each.measure: each.value for each in found.drift.findings if each.column == "size"}
    assert shares["missing"] == pytest.approx(60 / ROWS)
    assert shares["out_of_range"] == pytest.approx(120 / (ROWS - 60), abs=0.02)
    assert found.details is not None and found.profile is not None
    kept = read_sketches(plane.blobs.get_bytes(found.profile))
    size = kept["size"].numbers
    assert (size.low, size.high) == (-np.inf, np.inf)
    assert kept["size"].missing == 60
    WindowDrift.model_validate_json(plane.blobs.get_bytes(found.details))
    assert found.multivariate is not None and found.multivariate.verdict != "error"
    # the model answers nothing to what is infinite, so that only the other rows say what moved
    assert found.answers is not None and all(np.isfinite(c.change) for c in found.answers.columns)


async def test_columns_that_are_gone_or_hold_something_else(plane: Plane) -> None:
    await plane.ask(drawn(ROWS, seed=1))
    found = await plane.judge(inputs=(*INPUTS, "gone"))
    assert found.drift.verdict == "error" and "gone: the" in found.drift.reason
    numbers = drawn(4000, seed=0).assign(colour=1.5)
    rows = io.BytesIO()
    numbers.to_parquet(rows)
    found = await plane.judge(
        reference=plane.blobs.put_bytes(profile_frame(numbers, START)),
        snapshot=plane.blobs.put_bytes(rows.getvalue()),
        plan=MonitoringPlan(segments=("colour", "origin")),
    )
    assert found.drift.verdict == "error"
    assert "colour: the window holds text, and the reference numbers" in found.drift.reason
    assert found.multivariate is not None and found.multivariate.columns == ("colour",)
    origin, red = found.segments
    assert (origin.segment, origin.rows, origin.verdict.verdict) == ("origin", 0, "error")
    assert "name an input" in origin.verdict.reason
    assert (red.segment, red.verdict.verdict) == ("colour=red", "no_data"), "none such are known"


def garbage(plane: Plane) -> BlobRef:
    return plane.blobs.put_bytes(b"no profile")


def overwritten(plane: Plane) -> BlobRef:
    ref = plane.blobs.put_bytes(b"a profile, once")
    plane.blobs.get(ref).write_bytes(b"half of it")
    return ref


def removed(plane: Plane) -> BlobRef:
    ref = plane.blobs.put_bytes(b"a profile, once")
    plane.blobs.get(ref).unlink()
    return ref


async def test_a_file_of_the_log_that_is_none_is_told(plane: Plane, tmp_path: Path) -> None:
    await plane.ask(drawn(ROWS, seed=1))
    assert (await plane.judge()).broken == ""
    for file in (tmp_path / "requests").rglob("*.parquet"):
        file.write_bytes(b"half a file")
    found = await plane.judge()
    assert (found.rows, found.drift.verdict) == (0, "error")
    assert found.broken == found.drift.reason and "remove it" in found.broken


@pytest.mark.parametrize("broken", [garbage, overwritten, removed])
async def test_a_reference_that_is_corrupt_is_said_so(
    plane: Plane, broken: Callable[[Plane], BlobRef]
) -> None:
    await plane.ask(drawn(ROWS, seed=1))
    ref = broken(plane)
    found = await plane.judge(reference=ref, snapshot=None)
    assert found.drift.verdict == "error"
    assert "the reference profile of version 2 of flights is corrupt" in found.drift.reason
    assert found.rows == ROWS and found.profile is not None and found.details is None
    found = await plane.judge(answers=ref, snapshot=None)
    assert found.drift.verdict == "error" and "held-out answers" in found.drift.reason
    found = await plane.judge(snapshot=ref)
    assert found.drift.verdict == "pass", "profiles are enough for that"
    assert found.multivariate is not None and found.multivariate.verdict == "error"


async def test_old_versions_have_less_to_be_compared_with(plane: Plane) -> None:
    await plane.ask(drawn(ROWS, seed=1))
    found = await plane.judge(answers=None, snapshot=None, plan=None)
    assert found.drift.verdict == "pass" and found.drift.predictions is None
    assert (found.multivariate, found.segments) == (None, ())
    found = await plane.judge(reference=None)
    assert found.drift.verdict == "no_data" and "no reference profile" in found.drift.reason


async def test_a_broken_file_of_the_log_is_an_error_that_names_it(plane: Plane) -> None:
    await plane.ask(drawn(ROWS, seed=1))
    [path] = [path for path in plane.log.rglob("*.parquet") if path.stat().st_size > 20_000][:1]
    path.write_bytes(path.read_bytes()[:-100])
    found = await plane.judge()
    assert (found.rows, found.drift.verdict) == (0, "error") and path.name in found.drift.reason
