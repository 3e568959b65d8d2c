"""A promotion that fails half-way is undone in order, also when the undo itself is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from temporalio.client import WorkflowFailureError
from temporalio.worker import Worker

from activities.policy import PolicyActivities
from activities.records import RecordActivities
from api.db.tables import StageRow
from perennial.contracts import ids, lifecycle, records
from tests.servers import free_port
from tests.workflows.house import House, key
from tests.workflows.waiting import until
from tests.workflows.worldly import World, Worldly
from workers.interceptors import ErrorTranslation
from workers.registration import HEARTBEAT_EVERY, methods

N = 4


class Worlds:
    """A house whose runs have effects, and workers for them that can be stopped."""

    def __init__(self, house: House, policy: PolicyActivities) -> None:
        self.house = house
        self._policy = policy
        self.world = World()
        self.queue = f"worldly-{house.model}"

    def worker(self) -> Worker:
        """One that is gone at once when it is stopped, with what it was doing."""
        return Worker(
            self.house.client,
            task_queue=self.queue,
            workflows=[Worldly],
            activities=[
                *methods(RecordActivities(self.house.store)),
                *methods(self._policy),
                self.world.make_row,
                self.world.take_row,
            ],
            interceptors=[ErrorTranslation()],
            max_heartbeat_throttle_interval=HEARTBEAT_EVERY,
        )

    async def apply(self) -> None:
        await self.house.apply(
            environments=["development"],
            lifecycle={"workflow": "Worldly", "task_queue": self.queue},
        )

    async def start(self, effects: int, score: float = 0.9) -> str:
        request = key()
        run_id = ids.run_id(self.house.model, request)
        await self.house.ask(
            lifecycle.START_RUN,
            lifecycle.StartRun(
                request_id=request,
                actor="ada",
                run_id=run_id,
                params={"score": score, "effects": effects},
            ),
            lifecycle.RunAccepted,
        )
        return run_id

    def champion(self) -> tuple[int | None, int]:
        found = self.house.store.read_champions(records.ReadChampions(model=self.house.model))
        champion = found.in_("development")
        return champion.version, champion.epoch

    def effects(self, run_id: str) -> dict[str, Any]:
        """What people see of each effect."""
        with self.house.store.database.reading() as session:
            stage = session.get_one(StageRow, (run_id, "promote", "development"))
            return dict(stage.detail["effects"])


@pytest.fixture
async def worlds(house: House, opa_url: str) -> AsyncIterator[Worlds]:
    """A model whose runs have as many effects as they are told."""
    policy = PolicyActivities.connect(opa_url, house.store)
    worlds = Worlds(house, policy)
    await worlds.apply()
    yield worlds
    await policy.close()


async def test_all_or_none_of_n_effects_at_n_failure_points(worlds: Worlds) -> None:
    world = worlds.world
    async with worlds.worker():
        await worlds.house.result(await worlds.start(0, score=0.8))
        for count in range(1, N + 1):
            for fails_at in range(1, count + 1):
                names = "abcd"[:fails_at]
                world.fails, world.undone = {names[-1]}, []
                _, epoch = worlds.champion()
                run_id = await worlds.start(count)
                with pytest.raises(WorkflowFailureError) as failure:
                    await worlds.house.result(run_id)
                assert f"no room for {names[-1]}" in str(failure.value.cause)
                assert world.rows == []
                assert world.undone == list(reversed(names))
                assert worlds.champion() == (1, epoch + 2), "moved, and moved back"
                shown = worlds.effects(run_id)
                assert set(shown) == {"champion", *names}
                assert all(what.startswith("undone") for what in shown.values()), shown
        world.fails = set()
        run_id = await worlds.start(N)
        assert (await worlds.house.result(run_id)).outcome == "promoted"
        assert [name for _, name in world.rows] == list("abcd")
        assert worlds.effects(run_id) == dict.fromkeys(["champion", *"abcd"], "done")


async def test_an_undo_that_is_killed_or_fails_goes_on_until_it_is_done(worlds: Worlds) -> None:
    world = worlds.world
    async with worlds.worker():
        await worlds.house.result(await worlds.start(0, score=0.8))
        world.fails, world.undo_fails_once, world.hangs = {"c"}, {"b"}, "take a"
        run_id = await worlds.start(3)
        await asyncio.wait_for(world.hanging.wait(), timeout=30)
        assert world.undone == ["c", "b"]
    assert world.undone == ["c", "b"], "the worker was killed in the middle of the undo"
    world.hangs = ""
    async with worlds.worker():
        with pytest.raises(WorkflowFailureError):
            await worlds.house.result(run_id)
    assert world.rows == []
    assert worlds.champion() == (1, 3)


async def test_a_run_cancelled_half_way_leaves_nothing_behind(worlds: Worlds) -> None:
    world = worlds.world
    async with worlds.worker():
        await worlds.house.result(await worlds.start(0, score=0.8))
        world.hangs = "make b"
        run_id = await worlds.start(3)
        await asyncio.wait_for(world.hanging.wait(), timeout=30)
        assert worlds.champion() == (2, 2)
        await worlds.house.ask(
            lifecycle.CANCEL_RUN,
            lifecycle.CancelRun(request_id=key(), actor="ada", run_id=run_id, reason="stop"),
            lifecycle.RunAccepted,
        )
        result = await worlds.house.result(run_id)
    assert (result.outcome, result.reason) == ("cancelled", "cancelled by ada: stop")
    assert world.rows == []
    assert world.undone == ["b", "a"]
    assert worlds.champion() == (1, 3)


async def test_a_run_cancelled_while_its_move_waits_is_never_moved(house: House) -> None:
    await house.apply(environments=["development"])
    house.plan.hold("register")
    run = await house.start(0.8)
    await house.plan.reached("register")
    await house.lever(lifecycle.PAUSE)
    house.plan.release("register")
    await until(lambda: "promote" in house.stages(run.run_id, "running"))
    await house.ask(
        lifecycle.CANCEL_RUN,
        lifecycle.CancelRun(request_id=key(), actor="ada", run_id=run.run_id, reason="stop"),
        lifecycle.RunAccepted,
    )
    assert (await house.result(run.run_id)).outcome == "cancelled"
    await house.lever(lifecycle.RESUME)
    assert (await house.run(0.9)).outcome == "promoted"
    assert house.champions() == {"development": 2}


async def test_what_somebody_moved_since_is_left_alone(worlds: Worlds) -> None:
    world = worlds.world
    async with worlds.worker():
        await worlds.house.result(await worlds.start(0, score=0.8))
        world.hangs, world.fails = "make a", {"a"}
        run_id = await worlds.start(1)
        await asyncio.wait_for(world.hanging.wait(), timeout=30)
        await worlds.house.roll_back("development")
        world.hangs = ""
        with pytest.raises(WorkflowFailureError):
            await worlds.house.result(run_id)
    assert worlds.champion() == (1, 3), "as the rollback left it"
    assert "left as it is" in worlds.effects(run_id)["champion"]


async def test_a_policy_that_does_not_answer_at_once_is_asked_by_an_activity(house: House) -> None:
    nobody = PolicyActivities.connect(f"http://127.0.0.1:{free_port()}", house.store)
    worlds = Worlds(house, nobody)
    await worlds.apply()
    async with worlds.worker():
        run_id = await worlds.start(0)
        await house.result(run_id)
    handle = house.client.get_workflow_handle(ids.run_workflow(house.model, run_id))
    scheduled = [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in (await handle.fetch_history()).events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]
    assert scheduled.count("decide_promotion") == 1
    assert worlds.champion() == (1, 1)
    await nobody.close()
