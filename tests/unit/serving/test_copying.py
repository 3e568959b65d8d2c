"""Copies of the champion's requests, answered for nobody and compared."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from perennial.contracts.serving import WHOLE, Deployment, Tally, Variant
from serving.copying import disagreeing
from serving.counting import Counting
from serving.desk import Desk
from tests.unit.serving.running import PREDICT, ROW, Put, served

LATE, ON_TIME = 20.0, -20.0


def copied(put: Put, share: int = WHOLE) -> Deployment:
    champion = Variant(name="champion", version=1, onnx=put(LATE), weight=WHOLE)
    return Deployment(
        model="flights",
        environment="production",
        epoch=1,
        variants=(
            Variant(name="challenger", version=2, onnx=put(ON_TIME), weight=0, shadow=share),
            champion,
            champion.model_copy(update={"name": "control", "weight": 0}),
        ),
    )


async def counted(counting: Counting, copies: int) -> dict[str, Tally]:
    """Tallies by variant, once so many copies were answered or missed."""
    async with asyncio.timeout(30):
        while True:
            found = {tally.variant: tally for tally in counting.tallies()}
            challenger = found.get("challenger")
            if challenger and challenger.requests + challenger.missed >= copies:
                return found
            await asyncio.sleep(0.01)


async def test_callers_get_the_champions_answer_and_both_are_compared(desk: Desk, put: Put) -> None:
    await desk.take(copied(put))
    counting = Counting()
    async with served(desk, counting) as client:
        for _ in range(10):
            answer = await client.post(PREDICT, json={"instances": [ROW, ROW]})
            assert answer.headers["x-variant"] == "champion"
            assert answer.json()["predictions"][0]["class"] == "late"
        failed = await client.post(PREDICT, json={"instances": [{**ROW, "p0": 5000}]})
        assert failed.status_code == 500
        found = await counted(counting, 11)
    challenger, champion, control = (found[n] for n in ("challenger", "champion", "control"))
    assert (champion.requests, control.requests, challenger.requests) == (11, 11, 11)
    assert (champion.errors, control.errors, challenger.errors) == (1, 1, 1)
    assert control.answers == champion.answers and challenger.answers != champion.answers
    assert (challenger.compared, challenger.disagreed, control.compared) == (20, 20, 0)


async def test_only_the_share_is_copied_and_testers_are_not(desk: Desk, put: Put) -> None:
    await desk.take(copied(put, share=WHOLE // 4))
    counting = Counting()
    async with served(desk, counting) as client:
        for number in range(400):
            who = {"x-variant": "champion"} if number < 100 else {}
            await client.post(PREDICT, json={"instances": [ROW]}, headers=who)
        found = await counted(counting, 1)
    assert 30 < found["challenger"].requests < 130, "a quarter of 300"


async def test_copies_that_find_no_room_are_missed_and_counted(desk: Desk, put: Put) -> None:
    await desk.take(copied(put))
    counting = Counting()
    async with served(desk, counting, rows=2) as client:
        asked = [client.post(PREDICT, json={"instances": [ROW]}) for _ in range(100)]
        assert {answer.status_code for answer in await asyncio.gather(*asked)} == {200}
        found = await counted(counting, 100)
    challenger = found["challenger"]
    assert challenger.missed and challenger.requests == found["control"].requests


@pytest.mark.parametrize(
    ("ours", "theirs", "classes", "others", "differ"),
    [
        ([[100.0], [100.0], [0.0]], [[109.0], [111.0], [0.1]], (), (), 2),
        ([[0.9, 0.1], [0.2, 0.8]], [[0.6, 0.4], [0.7, 0.3]], "ab", "ab", 1),
        ([[0.9, 0.1], [0.2, 0.8]], [[0.1, 0.9], [0.8, 0.2]], "ab", "ba", 0),
        ([[100.0]], [[0.1, 0.9]], (), "ab", 1),
    ],
    ids=["numbers", "classes", "classes in another order", "another kind of model"],
)
def test_rows_that_are_answered_otherwise(
    ours: list[list[float]], theirs: list[list[float]], classes: Any, others: Any, differ: int
) -> None:
    one, other = SimpleNamespace(classes=tuple(classes)), SimpleNamespace(classes=tuple(others))
    answers = np.array(ours, dtype=np.float32), np.array(theirs, dtype=np.float32)
    assert disagreeing(one, answers[0], other, answers[1], 0.1) == differ  # type: ignore[arg-type]
