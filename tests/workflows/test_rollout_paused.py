"""A pause holds the next share of a rollout, and never the way back."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from api.db.tables import RunRow
from perennial.contracts import lifecycle, platform
from tests.workflows.house import House
from tests.workflows.plane import Plane
from tests.workflows.test_rollout import STEPS, alone, begin, decisions, rule, until, view


@pytest.fixture
async def lifted(house: House) -> AsyncIterator[House]:
    """A house, and a platform that is resumed whatever becomes of the test."""
    yield house
    await house.lever_of_all(lifecycle.RESUME)


def waits_for(house: House, run_id: str) -> str:
    with house.store.database.reading() as session:
        return session.get_one(RunRow, run_id).waiting_for


def weights(plane: Plane) -> dict[str, int]:
    deployment = plane.serving().deployment
    assert deployment is not None
    return {each.name: each.weight for each in deployment.variants}


async def test_a_pause_holds_every_share_and_not_the_way_back(lifted: House, plane: Plane) -> None:
    house = lifted
    await begin(house, steps=STEPS[:1])
    house.plan.hold("register")
    run_id = (await house.start(0.9)).run_id
    await house.plan.reached("register")
    await house.lever(lifecycle.PAUSE)
    house.plan.release("register")  # what runs goes on, until its version is to get requests
    await until(lambda: waits_for(house, run_id) == "resume:production")
    assert weights(plane) == {"champion": 10_000} and decisions(house) == []
    assert plane.serving().held == f"{house.model} is paused"
    await house.lever(lifecycle.RESUME)
    await view(house)
    await house.lever_of_all(lifecycle.PAUSE)
    await until(lambda: waits_for(house, run_id) == "resume:production")
    assert plane.serving().held == "root paused the platform: incident 7"
    assert weights(plane)["challenger"] == 500
    plane.errors = {"challenger": 0.2}
    result = await house.result(run_id)
    assert result.outcome == "denied" and "rolled back at 5 %: errors" in result.reason
    assert alone(plane.serving().deployment, 1)


async def test_who_rules_during_a_pause_is_heard_once_it_is_lifted(
    house: House, plane: Plane
) -> None:
    await begin(house)
    plane.rate = 0
    run_id = (await house.start(0.9)).run_id
    await view(house, waiting=True)
    await house.lever(lifecycle.PAUSE)
    await rule(house, "ann", go_on=True)
    await until(lambda: waits_for(house, run_id) == "resume:production")
    assert weights(plane)["challenger"] == 500
    plane.rate = 4000
    await house.lever(lifecycle.RESUME)
    assert (await house.result(run_id)).outcome == "promoted"
    # asked again after the pause, on the figures of then
    assert decisions(house) == [("step", "allow", percent) for percent in (0, 5, 5, 50)]
    with house.store.database.reading() as session:
        assert session.get_one(RunRow, run_id).waiting_for == ""


async def test_a_version_is_watched_on_while_a_pause_holds_its_last_move(
    house: House, plane: Plane
) -> None:
    await begin(house, steps=STEPS[:1])
    # only the model's workflow believes it, as when a pause comes between last look and move
    believed = platform.Platform(paused=True, epoch=10**6, actor="root", reason="incident 7")
    house.plan.hold("register")
    run_id = (await house.start(0.9)).run_id
    await house.plan.reached("register")
    await house.owner.signal(lifecycle.PLATFORM_CHANGED, believed)
    house.plan.release("register")
    await until(lambda: len(decisions(house)) > 2)  # a look after the step's own
    assert weights(plane)["challenger"] == 500 and house.champions() == {"production": 1}
    lifted = believed.model_copy(update={"paused": False, "epoch": 10**6 + 1})
    await house.owner.signal(lifecycle.PLATFORM_CHANGED, lifted)
    assert (await house.result(run_id)).outcome == "promoted"
    assert house.champions() == {"production": 2}
    assert alone(plane.serving().deployment, 2)
