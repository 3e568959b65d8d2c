"""An alias that was moved in MLflow by hand: recorded, put back, and adopted only by judgement."""

from __future__ import annotations

from typing import Any

import pytest
from sqlmodel import col, select
from temporalio.client import Client

from api.db.store import Store
from api.db.tables import LedgerRow
from perennial.contracts import ids, lifecycle, queues
from perennial.contracts.registry import AliasMoved
from tests.workflows.house import House, key
from tests.workflows.waiting import until
from workers.schedules import ensure_schedules


def moves(store: Store, model: str) -> list[dict[str, Any]]:
    """What the ledger keeps of a model's aliases."""
    with store.database.reading() as session:
        rows = session.exec(
            select(LedgerRow)
            .where(LedgerRow.model == model, LedgerRow.kind == "alias.moved")
            .order_by(col(LedgerRow.seq))
        )
        return [row.body for row in rows]


def moved_to(house: House, version: int, environment: str = "production") -> AliasMoved:
    return AliasMoved.model_validate(
        {
            "model": house.model,
            "environment": environment,
            "found": str(version),
            "found_version": version,
            "wanted": house.champions()[environment],
            "epoch": 2,
        }
    )


async def look(client: Client) -> str:
    """One round, as the schedule starts it."""
    answer: str = await client.execute_workflow(
        lifecycle.RECONCILE_WORKFLOW, id=f"look-{key()}", task_queue=queues.CONTROL, result_type=str
    )
    return answer


@pytest.fixture
async def two(house: House) -> House:
    """Two versions, the second of them champion."""
    await house.apply(environments=["production"])
    await house.run(0.8)
    await house.run(0.9)
    await until(lambda: house.plan.calls.count("alias production") == 2)
    return house


async def test_it_is_recorded_with_what_it_was_and_put_back(two: House, temporal: Client) -> None:
    house = two
    house.plan.aliases_moved = (moved_to(house, 1),)
    assert "1 aliases moved by hand" in await look(temporal)
    await until(lambda: house.plan.aliases_moved == ())
    (kept,) = moves(house.store, house.model)
    assert (kept["found_version"], kept["wanted"], kept["action"]) == (1, 2, "restored")
    assert house.champions() == {"production": 2}
    assert "0 aliases moved by hand" in await look(temporal)


async def test_found_twice_before_it_is_put_back_is_recorded_once(
    two: House, temporal: Client
) -> None:
    house = two
    house.plan.hold("project")
    house.plan.aliases_moved = (moved_to(house, 1),)
    await look(temporal)
    await house.plan.reached("project")
    await look(temporal)
    house.plan.release("project")
    await until(lambda: house.plan.aliases_moved == ())
    assert len(moves(house.store, house.model)) == 1
    # the next time it happens is another time
    house.plan.aliases_moved = (moved_to(house, 1),)
    await until(lambda: house.plan.calls.count("alias production") == 3)
    await look(temporal)
    await until(lambda: len(moves(house.store, house.model)) == 2)


async def test_adopting_it_asks_the_gate(two: House, temporal: Client) -> None:
    house = two
    await house.apply(environments=["production"], registry={"moved_by_hand": "adopt"})
    house.plan.aliases_moved = (moved_to(house, 1),)
    await look(temporal)
    await until(lambda: bool(moves(house.store, house.model)))
    action = moves(house.store, house.model)[0]["action"]
    run_id = action.split()[2]
    result = await house.result(run_id)
    assert result.outcome == "denied", "it is worse than the champion, whoever moved its alias"
    assert house.champions() == {"production": 2}
    assert house.plan.aliases_moved == ()


async def test_the_alias_of_a_retired_model_is_put_right_without_its_owner(
    two: House, temporal: Client
) -> None:
    house = two
    await house.lever(lifecycle.RETIRE)
    await house.owner.result()
    house.plan.aliases_moved = (moved_to(house, 1),)
    await look(temporal)
    assert house.plan.aliases_moved == ()
    (kept,) = moves(house.store, house.model)
    assert kept["wanted"] is None


async def test_the_schedule_is_made_once_and_renewed(temporal: Client) -> None:
    await ensure_schedules(temporal)
    handle = temporal.get_schedule_handle(ids.RECONCILE_WORKFLOW)
    await handle.pause(note="by an operator")
    await ensure_schedules(temporal)
    described = await handle.describe()
    assert described.schedule.state.paused, "an operator's pause stays"
    assert described.schedule.policy.catchup_window.total_seconds() == 60
    await handle.delete()
    for other in (ids.ALERTS_WORKFLOW, ids.RETENTION_WORKFLOW):
        await temporal.get_schedule_handle(other).delete()
