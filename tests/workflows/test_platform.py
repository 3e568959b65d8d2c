"""The whole platform is paused and resumed: nothing gets in meanwhile, and nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from api.db.store import Store
from perennial.contracts import ids, lifecycle, platform
from tests.workflows.house import House, key, refusal
from tests.workflows.waiting import until


@pytest.fixture
async def lifted(house: House) -> AsyncIterator[House]:
    """A house, and a platform that is resumed whatever becomes of the test."""
    yield house
    await house.lever_of_all(lifecycle.RESUME)


def unheard(store: Store, paused: bool) -> platform.Platform:
    """Pause or resume in the records only, as if every signal got lost."""
    return store.set_platform(
        platform.SetPlatform(
            effect=key(), paused=paused, actor="root", reason="nobody heard", at=datetime.now(UTC)
        )
    )


async def has_looked(house: House) -> bool:
    """Whether the model's workflow has read the platform's row."""
    history = await house.owner.fetch_history()
    return any(b"read_platform" in event.SerializeToString() for event in history.events)


async def test_a_paused_platform_holds_runs_and_promotions_until_resumed(lifted: House) -> None:
    house = lifted
    await house.apply()
    house.plan.hold("register")
    first = await house.start(0.8)
    await house.plan.reached("register")
    paused = await house.lever_of_all(lifecycle.PAUSE)
    assert (paused.paused, paused.actor, paused.reason) == (True, "root", "incident 7")
    house.plan.release("register")  # what runs goes on, until it wants to promote
    second = await house.start(0.9)
    await until(lambda: "register" in house.stages(first.run_id, "passed"))
    await until(lambda: "promote" in house.stages(first.run_id, "running"))
    assert house.champions() == {}
    assert (await house.view(second.run_id)).stage == "queued"
    await house.lever_of_all(lifecycle.RESUME)
    assert (await house.result(first.run_id)).outcome == "promoted"
    assert (await house.result(second.run_id)).outcome == "promoted"


async def test_people_vote_and_roll_back_while_the_platform_is_paused(lifted: House) -> None:
    house = lifted
    await house.apply(environments=["production"])
    await house.run(0.8)
    await house.run(0.9)
    await house.apply(environments=["production"], risk_tier="medium")
    asking = await house.start(0.95)
    view = await house.waits(asking.run_id)
    await house.lever_of_all(lifecycle.PAUSE)
    assert (await house.vote(view, "bob")).status == "approved"
    assert (await house.roll_back("production")).version == 1
    await house.lever_of_all(lifecycle.RESUME)
    # its question was about another champion than the one of now: people are asked again
    again = await house.waits(asking.run_id, other_than=view.approval_id)
    await house.vote(again, "bob")
    assert (await house.result(asking.run_id)).outcome == "promoted"


async def test_the_same_request_pauses_once(lifted: House, store: Store) -> None:
    request = key()
    first = await lifted.lever_of_all(lifecycle.PAUSE, request)
    await lifted.lever_of_all(lifecycle.RESUME)
    assert await lifted.lever_of_all(lifecycle.PAUSE, request) == first
    assert not store.read_platform().paused


async def test_the_key_of_a_pause_does_not_resume(lifted: House, store: Store) -> None:
    request = key()
    await lifted.lever_of_all(lifecycle.PAUSE, request)
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await lifted.lever_of_all(lifecycle.RESUME, request)
    assert refusal(error.value).type == "KeyReused"
    assert store.read_platform().paused


async def test_a_pause_that_nobody_heard_of_holds_all_the_same(lifted: House, store: Store) -> None:
    house = lifted
    await house.apply(environments=["production"])
    house.plan.hold("register")
    under_way = await house.start(0.8)
    await house.plan.reached("register")
    unheard(store, paused=True)
    house.plan.release("register")
    await until(lambda: "promote" in house.stages(under_way.run_id, "running"))
    other = House(house.client, store, house.ml)
    await other.apply(environments=["production"])
    queued = await other.start(0.8)
    await until(lambda: has_looked(other))
    assert house.champions() == other.champions() == {}
    assert (await other.view(queued.run_id)).stage == "queued"
    # and the next one who has something to tell tells it to all
    await house.lever_of_all(lifecycle.RESUME)
    assert (await house.result(under_way.run_id)).outcome == "promoted"
    assert (await other.result(queued.run_id)).outcome == "promoted"


async def test_an_old_signal_does_not_undo_a_newer_one(lifted: House, store: Store) -> None:
    house = lifted
    await house.apply(environments=["production"])
    paused = await house.lever_of_all(lifecycle.PAUSE)
    await house.lever_of_all(lifecycle.RESUME)
    await house.owner.signal(lifecycle.PLATFORM_CHANGED, paused)
    assert (await house.run(0.8)).outcome == "promoted"


async def test_a_platform_workflow_that_was_lost_starts_anew_and_tells_what_was_left(
    lifted: House, store: Store, temporal: Client
) -> None:
    house = lifted
    await house.apply(environments=["production"])
    await house.lever_of_all(lifecycle.PAUSE)
    queued = await house.start(0.8)
    await until(lambda: store.read_untold().models == ())
    await temporal.get_workflow_handle(ids.PLATFORM_WORKFLOW).terminate("lost")
    unheard(store, paused=False)  # recorded, and its owner died before it told anybody
    assert (await house.view(queued.run_id)).stage == "queued"
    await temporal.start_workflow(
        lifecycle.PLATFORM_WORKFLOW,
        lifecycle.PlatformState(),
        id=ids.PLATFORM_WORKFLOW,
        task_queue="perennial-control",
    )
    async with asyncio.timeout(30):
        assert (await house.result(queued.run_id)).outcome == "promoted"
