"""Labels of a rollout: each finds its request, and counts for the variant that answered it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from temporalio.testing import ActivityEnvironment

from activities.labelled import LabelledActivities
from activities.modelling.labels.labelled_answers import count
from activities.modelling.requests.answers_log import AnswersLog
from perennial.contracts import records
from perennial.contracts.deployments import ReadServing
from perennial.contracts.errors import Unavailable
from perennial.contracts.labelling import CountLabelled
from perennial.contracts.labels import JoinedLabel
from perennial.contracts.serving import Labelled
from tests.samples import move, record_run, record_version, spec
from tests.unit.serving.test_late_labels import HOUR, MINUTE, TEN, World, world

__all__ = ["world"]


class Counting:
    """What a rollout would have counted of a world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.since = datetime.now(UTC) - MINUTE
        self.restarted()

    def restarted(self) -> None:
        """A worker that knows nothing of what was counted before."""
        self.activities = LabelledActivities(self.world.url, self.world.store)

    async def __call__(self, since_epoch: int = 1) -> dict[str, tuple[int, int]]:
        ask = CountLabelled(
            model="flights", environment="production", since_epoch=since_epoch, since=self.since
        )
        await ActivityEnvironment().run(self.activities.count_labelled, ask)
        asked = ReadServing(model="flights", environment="production", since_epoch=since_epoch)
        found = self.world.store.read_serving(asked).labelled
        return {
            name: (
                sum(each.requests for each in found if each.variant == name),
                sum(each.wrong for each in found if each.variant == name),
            )
            for name in {each.variant for each in found}
        }


@pytest.fixture
def counted(world: World) -> Counting:
    kept = spec(request_log={"keep": "30d", "event_time": "header"})
    world.store.record_spec(records.RecordSpec(effect="log", spec=kept, actor="ada", at=TEN))
    world.store.record_run(record_run("r1"))
    world.store.record_version(record_version("r1"))
    world.store.move_champion(move(1, 0))
    return Counting(world)


async def test_labels_count_for_who_answered_whenever_they_come(
    world: World, counted: Counting
) -> None:
    for number in range(6):
        variant = "challenger" if number % 2 else "champion"
        world.asked(f"r{number}", TEN + number * 25 * MINUTE, [0.9], variant)
    # none of these is an answer that a caller got
    world.asked("r1", TEN + 26 * MINUTE, [0.1], "challenger", copy=True)
    world.asked("tester", TEN, [0.1], "challenger", named=True)
    world.told("tester", "late")
    assert await counted() == {}, "no label has come of what counts"
    for number, value in enumerate(["late", "on time", "late", "late"]):
        world.told(f"r{number}", value)
    assert await counted() == {"champion": (2, 0), "challenger": (2, 1)}
    assert await counted() == {"champion": (2, 0), "challenger": (2, 1)}, "asked again"
    counted.restarted()
    world.told("r4", "on time")
    world.told("r5", "unheard of")
    world.told("r0", "on time", at=TEN + timedelta(days=9))  # it has become another one
    assert await counted() == {"champion": (3, 2), "challenger": (2, 1)}
    assert await counted(since_epoch=2) == {}, "they were answered before that rollout"


async def test_a_copy_counts_by_the_label_of_its_request_for_both_sides(
    world: World, counted: Counting
) -> None:
    for number, copied in enumerate([[0.9, 0.1], [0.1], None, [0.2], [0.9]]):
        at = TEN + number * MINUTE
        world.asked(f"r{number}", at, [0.9, 0.9])
        # one failed on what the champion answered, one is of a request that nobody asked just then
        at += timedelta(seconds=number == 3)
        world.asked(f"r{number}", at, copied, "challenger", copy=True)
    world.asked("alone", TEN, [0.9])
    for request_id in ("r0", "r1", "r2", "r3", "alone"):
        world.told(request_id, "late")
    assert await counted() == {"champion": (5, 0), "control": (2, 0), "challenger": (2, 1)}
    # a copy is written after its request, and its label may be there before
    world.asked("r3", TEN + 3 * MINUTE, [0.1], "challenger", copy=True)
    assert await counted() == {"champion": (5, 0), "control": (3, 0), "challenger": (3, 2)}


async def test_a_request_counts_once_and_an_answer_that_is_no_number_is_wrong(
    world: World, counted: Counting
) -> None:
    world.asked("many", TEN, [0.1, 0.9, 0.9, 0.9])
    world.asked("none", TEN + MINUTE, [float("nan")])
    for place, value in enumerate(["unheard of", "late", "on time", "on time"]):
        world.told("many", value, row=place)
    world.told("none", "late")
    assert await counted() == {"champion": (2, 1)}, "by the first row with a label that says much"


async def test_without_a_log_there_is_nothing_to_count_and_one_that_is_away_is_asked_again(
    world: World, counted: Counting, tmp_path: Path
) -> None:
    world.asked("a", TEN)
    world.told("a", "late")
    (file,) = (tmp_path / "requests").rglob("*.parquet")
    whole = file.read_bytes()
    file.unlink()
    file.mkdir()
    with pytest.raises(Unavailable, match="cannot be read"):
        await counted()
    file.rmdir()
    file.write_bytes(whole)
    world.store.record_spec(records.RecordSpec(effect="no", spec=spec(), actor="ada", at=TEN))
    assert await counted() == {}


@pytest.mark.parametrize(("tolerance", "wrong"), [(0.5, 2), (2.0, 1), (None, 3)])
def test_numbers_are_wrong_beyond_the_tolerance(
    tmp_path: Path, tolerance: float | None, wrong: int
) -> None:
    folder = tmp_path / "environment=production/model=m/date=2026-03-02/hour=10"
    folder.mkdir(parents=True)
    answers = [1.0, 2.0, 3.0, 4.0]
    columns = {
        "at": pa.array([TEN] * 4, pa.timestamp("us", "UTC")),
        "request_id": ["a", "b", "c", "d"],
        "row": pa.array([0] * 4, pa.int32()),
        "variant": ["control"] * 4,
        "version": pa.array([1] * 4, pa.int32()),
        "epoch": pa.array([5] * 4, pa.int32()),
        "copy": [False] * 4,
        "named": [False] * 4,
        "answer": pa.StructArray.from_arrays([pa.array(answers, pa.float32())], names=["value"]),
    }
    said = {"perennial": json.dumps({"vectors": {}, "classes": []})}
    pq.write_table(pa.table(columns).replace_schema_metadata(said), folder / "p1-000001.parquet")
    labels = [
        JoinedLabel(key, 0, key, TEN, value, TEN + HOUR, 0, False)
        for key, value in (("a", 1.0), ("b", 3.0), ("c", 33), ("d", "4.2"))
    ]
    log = AnswersLog(f"file://{tmp_path}", "production", "m")
    found = count(log, TEN, labels, 4, tolerance)
    assert found == [Labelled(variant="control", version=1, requests=4, wrong=wrong)]
    assert count(log, TEN, labels, 6, tolerance) == []
