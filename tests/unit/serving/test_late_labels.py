"""Labels that come days later, twice, changed or for nothing, and the log that they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk
from temporalio.testing import ActivityEnvironment

from activities.labels import LabelActivities, again
from activities.labels_waiting import LabelsWaitingActivities
from activities.modelling.requests.frames import LogCorrupt
from api.db.store import Store
from perennial.contracts import records
from perennial.contracts.errors import Unavailable
from perennial.contracts.labels import Label, WaitingLabel
from perennial.contracts.monitoring import (
    JoinLabels,
    JudgeQuality,
    LabelsJoined,
    Monitored,
    QualityJudged,
    ReadMonitored,
)
from perennial.contracts.monitoring_plan import QualityPlan
from serving.desk import Desk
from serving.log_files import LogFiles
from serving.pages import Page, Whose
from serving.records import Area, Records
from tests.samples import record_run, record_version, record_window, spec
from tests.unit.serving.running import Put, deployment

TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DAYS_LATER = TEN + timedelta(days=3)
PROJECT = """
from perennial.authoring import Features, ModelProject


class Own(ModelProject):
    def features(self):
        return Features("late", ["size"])

    def build(self, shape, params):
        raise NotImplementedError

    def metrics(self, truth, scores):
        return {"rows": len(truth)}
"""


class World:
    """A log that the data plane has written, and the records beside it."""

    def __init__(self, folder: Path, desk: Desk, store: Store) -> None:
        self.url = f"file://{folder / 'requests'}"
        self.files = LogFiles(self.url, "p1")
        self.served = desk.find("flights")
        self.store = store
        self.activities = LabelActivities(self.url, store)

    def asked(
        self,
        request_id: str,
        at: datetime,
        late: Sequence[float] | None = (0.75,),
        variant: str = "champion",
        colour: str = "red",
        copy: bool = False,
        named: bool = False,
        entity: bytes | None = None,
    ) -> None:
        """A request was answered with these probabilities of being late."""
        rows = 1 if late is None else len(late)
        answer = None if late is None else np.array([[p, 1 - p] for p in late], dtype=np.float32)
        inputs = {
            "size": np.ones((rows, 1), dtype=np.float32),
            "pixels": np.ones((rows, 3), dtype=np.float32),
            "colour": np.full((rows, 1), colour, dtype=object),
        }
        of = self.served.deployment
        found = next(v for v in of.variants if v.name == variant)
        model = self.served.models[variant]
        whose = Whose(of, found, copy, model.inputs, model.classes)
        records = Records(Area(bytearray(100_000)))
        kept = records.keep(
            at=at.timestamp(),
            seconds=0.01,
            named=named,
            request_id=request_id.encode(),
            entity=entity,
            inputs=inputs,
            answer=answer,
        )
        assert kept
        self.files.write(Page(whose, records))

    def told(self, request_id: str, value: Any, row: int = 0, **more: Any) -> None:
        """A label came."""
        about: dict[str, Any] = {"at": DAYS_LATER} | more
        if "entity" not in about:
            about["request_id"] = request_id
        label = Label(row=row, value=value, **about)
        self.store.keep_labels("flights", [label], datetime.now(UTC))

    def window(self, start: datetime) -> None:
        """A window of the champion was judged."""
        judged = record_window(start=start, end=start + HOUR, effect=f"window {start}")
        self.store.record_window(judged)

    async def join(self, until: datetime = TEN + 5 * HOUR, **more: Any) -> LabelsJoined:
        wanted = {"window_seconds": 3600, "within_seconds": 86400 * 30} | more
        ask = JoinLabels(model="flights", environment="production", until=until, **wanted)
        return await ActivityEnvironment().run(self.activities.join_labels, ask)

    async def judge(self, start: datetime = TEN, version: int = 1, **plan: Any) -> QualityJudged:
        floors = {"rows": 1, "coverage": 0.0} | plan
        ask = JudgeQuality(
            model="flights",
            environment="production",
            version=version,
            start=start,
            end=start + HOUR,
            monitored=Monitored(
                model="flights",
                environment="production",
                project="written_for_labels:Own",
                task="binary",
                primary="roc_auc",
                promised={"roc_auc": 0.9, "accuracy": 0.8},
            ),
            plan=QualityPlan.model_validate(floors),
        )
        return await ActivityEnvironment().run(self.activities.judge_quality, ask)

    async def due(self) -> int:
        activities = LabelsWaitingActivities(self.store)
        ask = ReadMonitored(model="flights", environment="production")
        return (await ActivityEnvironment().run(activities.count_waiting_labels, ask)).labels


@pytest.fixture
async def world(desk: Desk, put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "written_for_labels.py").write_text(PROJECT)
    monkeypatch.syspath_prepend(str(tmp_path))
    await desk.take(deployment(put, champion=7000, challenger=3000))
    store = Store.open(f"sqlite:///{tmp_path / 'records.db'}")
    store.record_spec(records.RecordSpec(effect="apply", spec=spec(), actor="ada", at=TEN))
    store.record_run(record_run("r1"))
    store.record_version(record_version("r1"))
    yield World(tmp_path, desk, store)
    store.close()


async def test_each_label_finds_its_request_once(world: World) -> None:
    world.asked("a", TEN + MINUTE, [0.9, 0.2])
    world.asked("b", TEN + 30 * MINUTE, [0.6])
    world.asked("c", TEN + 90 * MINUTE, [0.3])
    world.asked("e", TEN + 2 * MINUTE, entity=b"c-17", late=[0.4])
    world.asked("e2", TEN + 3 * MINUTE, entity=b"c-17", late=[0.1])
    world.asked("e3", TEN + 20 * MINUTE, entity=b"c-17", late=[0.7])
    # none of these is an answer that the champion gave to a caller
    world.asked("b", TEN + 31 * MINUTE, [0.1], variant="challenger", copy=True)
    world.asked("tester", TEN, named=True)
    world.asked("failed", TEN, None)
    world.told("a", "late", asked_at=TEN + 2 * MINUTE)
    world.told("a", "on time", row=1)
    world.told("b", "late", asked_at=TEN + 3 * HOUR)  # a clock that is wrong: it is searched for
    world.told("c", "on time")
    world.told("", "late", entity="c-17", asked_at=TEN + 5 * MINUTE)
    for nothing in ("tester", "failed", "nowhere"):
        world.told(nothing, "late")
    world.told("a", "late", row=2)
    assert await world.due() == 9

    found = await world.join()
    assert found == LabelsJoined(windows=(TEN, TEN + HOUR), joined=5, waiting=4)
    known = world.store.labels_of("flights", "production", TEN, TEN + HOUR)
    assert [(each.request_id, each.row) for each in known] == [
        ("a", 0),
        ("a", 1),
        ("e2", 0),
        ("b", 0),
    ]
    # the process died before anybody heard of it: nothing is joined twice, and nothing is lost
    assert await world.join() == LabelsJoined(windows=(TEN, TEN + HOUR), waiting=4)

    judged = await world.judge()
    truth, late = [0, 1, 0, 0], np.array([0.9, 0.2, 0.1, 0.6])
    assert (judged.rows, judged.labelled) == (6, 4)
    on_time = 1 - late
    assert judged.metrics == pytest.approx(
        {
            "roc_auc": sk.roc_auc_score(truth, on_time),
            "accuracy": 0.75,
            "precision": sk.precision_score(truth, on_time >= 0.5),
            "recall": sk.recall_score(truth, on_time >= 0.5),
            "f1": sk.f1_score(truth, on_time >= 0.5),
            "log_loss": sk.log_loss(truth, on_time),
            "brier": sk.brier_score_loss(truth, on_time),
            "calibration_error": judged.metrics["calibration_error"],
            "rows": 4,
        },
        abs=1e-6,
    )
    assert "4 of 6 rows have labels (67%)" in judged.reason
    assert (await world.join()).windows == (TEN + HOUR,), "until it was measured"
    assert (await world.judge(TEN + HOUR)).verdict == "inconclusive"
    assert await world.join() == LabelsJoined(windows=(), waiting=4)


async def test_a_label_that_changes_has_its_window_measured_again(world: World) -> None:
    for number in range(8):
        world.asked(f"r{number}", TEN + number * MINUTE, [0.9 if number % 2 else 0.1])
        world.told(f"r{number}", "late" if number % 2 else "on time")
    await world.join()
    right = await world.judge()
    assert right.metrics["accuracy"] == 1 and (await world.join()).windows == ()
    world.told("r1", "late", at=DAYS_LATER + HOUR)  # sent again
    world.told("r1", "on time", at=TEN + 2 * HOUR)  # an older word
    assert (await world.join()).windows == ()
    world.told("r1", "on time", at=DAYS_LATER + 2 * HOUR)
    assert await world.join() == LabelsJoined(windows=(TEN,))
    assert (await world.judge()).metrics["accuracy"] == 0.875
    assert (await world.join()).windows == ()
    # too late: the log does not hold so old a window for long, and what it was said to be stands
    world.told("r1", "late", at=DAYS_LATER + 3 * HOUR)
    assert (await world.join(until=TEN + timedelta(days=40))).windows == ()


async def test_a_window_that_has_not_ended_waits(world: World) -> None:
    world.asked("a", TEN + MINUTE)
    world.told("a", "late")
    assert await world.join(until=TEN + 30 * MINUTE) == LabelsJoined(windows=(), joined=1)
    assert await world.join(until=TEN + HOUR) == LabelsJoined(windows=(TEN,))
    day = {"window_seconds": 86400}
    midnight = TEN.replace(hour=0)
    assert (await world.join(**day)).windows == ()
    found = await world.join(until=midnight + timedelta(days=1), **day)
    assert found.windows == (midnight,), "a spec may change its windows"


async def test_coverage_grows_until_it_is_judged(world: World) -> None:
    for number in range(10):
        world.asked(f"r{number}", TEN + number * MINUTE, [0.9 if number % 2 else 0.1])
    nothing = await world.judge(coverage=0.5)
    assert (nothing.verdict, nothing.rows, nothing.labelled) == ("no_data", 10, 0)
    for number in range(4):
        world.told(f"r{number}", "late" if number % 2 else "on time")
    await world.join()
    few = await world.judge(coverage=0.5)
    assert (few.verdict, few.labelled, few.metrics) == ("no_data", 4, {})
    assert "4 of 10 rows have labels (40%), 1 rows and 50% are needed" in few.reason
    world.told("r4", "on time")
    await world.join()
    enough = await world.judge(coverage=0.5)
    assert (enough.verdict, enough.labelled) == ("pass", 5)
    assert (await world.judge(rows=6)).verdict == "no_data"
    empty = await world.judge(version=9)
    assert (empty.verdict, empty.rows) == ("no_data", 0)


async def test_labels_that_say_nothing(world: World) -> None:
    for number in range(6):
        late = np.nan if number == 5 else 0.9
        world.asked(f"r{number}", TEN + number * MINUTE, [late], colour="red" if number else "blue")
    for number, value in enumerate(["late", "late", "late", "maybe", True, "late"]):
        world.told(f"r{number}", value)
    await world.join()
    judged = await world.judge(groups=["colour", "size", "weight"], rows=2)
    assert (judged.verdict, judged.labelled) == ("inconclusive", 3)
    for said in (
        "roc_auc was not measured on these rows",
        "all 3 labels are of one class",
        "2 more labels cannot be used: they are no class of the model (late, on time), such as "
        "'maybe', True",
        "1 labelled answers are no numbers",
        "not asked with a column weight",
    ):
        assert said in judged.reason
    assert judged.metrics["accuracy"] == 1 and "roc_auc" not in judged.metrics
    assert [(g.group, g.rows) for g in judged.groups] == [("colour=red", 2), ("size=1", 3)]
    assert judged.groups[0].metrics["accuracy"] == 1
    # three can be read, and five came: whoever sends them has to look
    broken = await world.judge(rows=5)
    assert (broken.verdict, broken.labelled) == ("error", 3)
    assert "5 rows and 0% are needed" in broken.reason and "such as 'maybe', True" in broken.reason
    assert (await world.judge(rows=6)).verdict == "no_data"


async def test_groups_are_told_with_how_far_they_are_apart(world: World) -> None:
    late = {"red": (0.9, 0.9, 0.1, 0.1), "blue": (0.9, 0.9, 0.9, 0.1)}
    for colour, chances in late.items():
        for number, chance in enumerate(chances):
            world.asked(f"{colour}{number}", TEN + number * MINUTE, [chance], colour=colour)
            world.told(f"{colour}{number}", "late" if number % 2 else "on time")
    await world.join()
    judged = await world.judge(groups=["colour"], rows=4)
    assert judged.metrics["demographic_parity_difference by colour"] == 0.25
    assert judged.metrics["demographic_parity_ratio by colour"] == 0.5
    assert judged.metrics["equalized_odds_difference by colour"] == 0.5
    few = await world.judge(groups=["colour"], rows=5)
    assert not any("by colour" in name for name in few.metrics), "too few rows of either"


async def test_errors_of_earlier_windows_stand_before_those_of_a_window(world: World) -> None:
    """One answer in ten is wrong at first, and then one in four."""
    at = {hour: TEN + hour * HOUR for hour in range(4)}
    for hour, start in at.items():
        world.window(start)
        truth = np.arange(200) % (10 if hour < 2 else 4) == 0
        world.asked(f"r{hour}", start + MINUTE, [0.9] * 200)
        for row, wrong in enumerate(truth.tolist()):
            world.told(f"r{hour}", "on time" if wrong else "late", row=row)
    assert len((await world.join()).windows) == 4
    first = (await world.judge(at[0])).concept
    assert first is not None
    assert (first.rows, first.windows, first.verdict) == (200, 1, "pass")
    for hour in (1, 2):
        await world.judge(at[hour])
    last = (await world.judge(at[3])).concept
    assert last is not None and (last.rows, last.windows, last.verdict) == (800, 4, "fail")
    [change] = last.changes
    assert change.at == at[2] + MINUTE
    assert (change.before, change.after) == pytest.approx((0.1, 0.25))
    assert last.reason.endswith(
        "changed 1 times, last at 2026-03-02 12:01 from 0.1 to 0.25; 0.1 at first: +150%, +25% is "
        "allowed"
    )
    again = (await world.judge(at[1], concept=None)).concept
    assert again is not None and (again.windows, again.verdict) == (2, "no_data")
    assert (await world.judge(at[3])).concept == last, "whichever was measured again"


async def test_two_labels_of_one_row_and_a_request_that_was_sent_twice(world: World) -> None:
    world.asked("a", TEN + MINUTE, [0.9], entity=b"c-17")
    world.asked("twice", TEN + 2 * MINUTE, [0.9])
    world.asked("twice", TEN + 3 * MINUTE, [0.2])
    world.told("", "on time", entity="c-17", asked_at=TEN + 9 * MINUTE, at=DAYS_LATER + HOUR)
    world.told("a", "late")
    world.told("twice", "on time")
    assert (await world.join()).joined == 3
    judged = await world.judge()
    assert (judged.rows, judged.labelled) == (3, 2), "a row is measured once"
    assert judged.metrics["accuracy"] == 0.5, "by what became known last, at the newest request"


async def test_a_log_that_cannot_be_read(world: World, tmp_path: Path) -> None:
    world.asked("a", TEN)
    world.told("a", "late")
    (file,) = (tmp_path / "requests").rglob("*.parquet")
    file.write_bytes(b"half a file")
    told = r"p1-000001.parquet of the log of requests is no Parquet"
    with pytest.raises(LogCorrupt, match=told):
        await world.judge()
    # one file that is none keeps no other label from its request
    world.asked("b", TEN + HOUR)
    world.told("b", "late")
    found = await world.join()
    assert (found.joined, found.waiting) == (1, 1) and re.search(told, found.broken)
    for parquet in (tmp_path / "requests").rglob("*.parquet"):
        parquet.unlink()
    file.mkdir()
    world.told("c", "late")
    with pytest.raises(Unavailable, match="cannot be read"):
        await world.join()
    with pytest.raises(Unavailable, match="cannot be read"):
        await world.judge()
    assert await world.due() == 1, "it is looked for when the log is back"


def waits() -> Iterator[Any]:
    now, within, since = DAYS_LATER, timedelta(days=2), TEN - timedelta(days=2)
    for received, asked_at, expected in (
        (now - timedelta(seconds=1), None, timedelta(seconds=10)),
        (now - HOUR, TEN, HOUR),
        (now - timedelta(days=1), None, timedelta(hours=6)),
        (now - timedelta(days=2, seconds=1), None, None),
        (now, since - MINUTE, None),
    ):
        yield now, within, since, received, asked_at, expected


@pytest.mark.parametrize(("now", "within", "since", "received", "asked_at", "expected"), waits())
def test_it_is_looked_for_more_and_more_seldom(
    now: Any, within: Any, since: Any, received: Any, asked_at: Any, expected: timedelta | None
) -> None:
    found = again(WaitingLabel("a", 0, None, asked_at, received), now, within, since)
    assert found.again == (None if expected is None else now + expected)
