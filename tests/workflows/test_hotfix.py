"""A hotfix goes before others: what is under way makes room, what waits goes on waiting."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowUpdateFailedError

from api.db.tables import RunRow
from perennial.contracts import lifecycle
from tests.workflows.house import House, key, refusal
from tests.workflows.plane import Plane
from tests.workflows.test_rollout import STEPS, alone, begin, plan, view
from tests.workflows.waiting import until


def ended(house: House, run_id: str) -> tuple[str | None, str]:
    with house.store.database.reading() as session:
        row = session.get_one(RunRow, run_id)
        return row.outcome, row.reason


async def hotfix(house: House, score: float = 0.9) -> lifecycle.RunAccepted:
    return await house.start(score, actor="bob", hotfix=True, reason="a leak in the features")


async def test_a_hotfix_calls_off_the_rollout_under_way_and_goes_on(
    house: House, plane: Plane
) -> None:
    await begin(house, steps=[{"percent": 5, "hold": "1h"}])
    overtaken = await house.start(0.85)
    await view(house)
    await house.apply(environments=["production"], rollout=plan(steps=STEPS[:1]))
    waits = await house.start(0.95)
    urgent = await hotfix(house)
    assert (urgent.status, urgent.ahead, waits.ahead) == ("queued", 1, 1)
    result = await house.result(overtaken.run_id)
    reason = f"overtaken by hotfix {urgent.run_id} of bob: a leak in the features"
    assert (result.outcome, result.reason) == ("cancelled", reason)
    # at low risk nobody is asked about production, but a hotfix is a matter for two
    asked = await house.waits(urgent.run_id)
    assert alone(plane.serving().deployment, 1) and asked.required == 1
    await house.vote(asked, "ann")
    assert (await house.result(urgent.run_id)).outcome == "promoted"
    assert (await house.result(waits.run_id)).outcome == "promoted"
    assert house.champions() == {"production": 4}


async def test_a_hotfix_is_neither_refused_nor_replaced(house: House) -> None:
    await house.apply(environments=["development"], concurrency="reject")
    house.plan.hold("train")
    first = await hotfix(house)
    await house.plan.reached("train")
    second = await hotfix(house, 0.95)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await house.start(0.8)
    assert first.run_id in refusal(refused.value).message
    await house.apply(environments=["development"], concurrency="replace")
    older, newer = await house.start(0.96), await house.start(0.97)
    assert (second.ahead, older.ahead, newer.ahead) == (1, 2, 2)
    await until(lambda: ended(house, older.run_id)[0] is not None)
    assert ended(house, older.run_id) == ("cancelled", f"replaced by run {newer.run_id}")
    house.plan.release("train")
    for run, version in ((first, 1), (second, 2), (newer, 3)):
        result = await house.result(run.run_id)
        assert (result.outcome, result.version) == ("promoted", version)


async def test_a_hotfix_says_why(house: House) -> None:
    await house.apply(environments=["development"])
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await house.ask(
            lifecycle.START_RUN,
            lifecycle.StartRun(request_id=key(), actor="bob", run_id="x", hotfix=True),
            lifecycle.RunAccepted,
        )
    assert (refusal(error.value).type, refusal(error.value).message) == (
        "BadInput",
        "a hotfix goes before others: say why, as its reason",
    )
