"""Versions of several models become champions at one moment, or none of them does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlmodel import select
from temporalio.client import Client

from api.db.store import Store
from api.db.tables import ChampionHistoryRow
from perennial.contracts import groups, ids, lifecycle, queues
from tests.workflows.house import House, key
from tests.workflows.ml_double import PlannedML
from tests.workflows.waiting import until


@pytest.fixture
async def pair(
    house: House, temporal: Client, store: Store, ml: PlannedML
) -> AsyncIterator[tuple[House, House]]:
    """Two models with two versions each, the first of which is champion of production."""
    pair = house, House(temporal, store, ml)
    for each in pair:
        await each.apply(environments=["production"])
        for score in (0.8, 0.9):
            await each.run(score)
        await each.roll_back("production")
    yield pair


async def start(*houses: House, version: int = 2) -> str:
    request = key()
    ask = groups.PromoteTogether(
        request_id=request,
        actor="ada",
        group=ids.group_id(request),
        environment="production",
        members=tuple(groups.Member(model=each.model, version=version) for each in houses),
        reason="one encoding",
    )
    await houses[0].client.start_workflow(
        groups.GROUP_WORKFLOW,
        ask,
        id=ids.group_workflow(ask.group),
        task_queue=queues.CONTROL,
    )
    return ask.group


async def result(house: House, group: str) -> groups.GroupResult:
    handle = house.client.get_workflow_handle(
        ids.group_workflow(group), result_type=groups.GroupResult
    )
    return await handle.result()


def run_of(house: House, group: str) -> str:
    return ids.run_id(house.model, group)


async def outcome(house: House, group: str) -> str:
    return (await house.result(run_of(house, group))).outcome


async def ready(house: House, group: str) -> None:
    """Wait until a member has said that it may move."""
    await until(lambda: "promote" in house.stages(run_of(house, group), "running"))


def newest(house: House) -> ChampionHistoryRow:
    with house.store.database.reading() as session:
        row = session.exec(
            select(ChampionHistoryRow)
            .where(ChampionHistoryRow.model == house.model)
            .order_by(ChampionHistoryRow.epoch.desc())  # type: ignore[attr-defined]
        ).first()
        assert row is not None
        session.expunge(row)
        return row


async def test_all_move_at_one_moment_and_go_back_at_one(pair: tuple[House, House]) -> None:
    one, other = pair
    await other.apply(environments=["production"], risk_tier="medium")
    group = await start(one, other)
    asked = await other.waits(run_of(other, group))
    await ready(one, group)
    await other.lever(lifecycle.PAUSE)
    await other.vote(asked, "ann")
    await ready(other, group)
    assert one.champions() == other.champions() == {"production": 1}
    projected = [house.plan.calls.count("alias production") for house in pair]
    await other.lever(lifecycle.RESUME)
    assert (await result(one, group)).outcome == "promoted"
    assert one.champions() == other.champions() == {"production": 2}
    assert newest(one).since == newest(other).since, "one transaction"
    for house, before in zip(pair, projected, strict=True):
        assert await outcome(house, group) == "promoted"
        calls = house.plan.calls
        await until(lambda calls=calls, n=before: calls.count("alias production") > n)
    ask = groups.RollBackTogether(request_id=key(), actor="ada", group=group, reason="alarms")
    moved = await one.client.execute_workflow(
        groups.GROUP_ROLLBACK_WORKFLOW,
        ask,
        id=f"{group}-back",
        task_queue=queues.CONTROL,
        result_type=groups.Moved,
    )
    assert {champion.version for champion in moved.champions} == {1}
    assert one.champions() == other.champions() == {"production": 1}


async def test_one_that_is_denied_keeps_all_where_they_are(pair: tuple[House, House]) -> None:
    one, other = sorted(pair, key=lambda house: house.model)
    strict: dict[str, Any] = {"primary": "roc_auc", "thresholds": [{"metric": "roc_auc", "min": 1}]}
    await other.apply(environments=["production"], metrics=strict)
    group = await start(one, other)
    ended = await result(one, group)
    assert ended.outcome == "off" and f"{other.model} is out: denied: production" in ended.reason
    assert await outcome(other, group) == "denied"
    dragged = await one.result(run_of(one, group))
    assert dragged.outcome == "cancelled" and f"group {group} is off" in dragged.reason
    assert one.champions() == other.champions() == {"production": 1}
    assert (await one.run(0.95)).outcome == "promoted", "its model is free again"


async def test_who_is_cancelled_ends_it_and_who_moved_meanwhile_is_judged_again(
    pair: tuple[House, House],
) -> None:
    one, other = pair
    await other.apply(environments=["production"], risk_tier="medium")
    group = await start(one, other)
    await other.waits(run_of(other, group))
    await ready(one, group)
    await one.ask(
        lifecycle.CANCEL_RUN,
        lifecycle.CancelRun(request_id=key(), actor="bob", run_id=run_of(one, group)),
        lifecycle.RunAccepted,
    )
    assert (await result(one, group)).outcome == "off"
    assert (await one.result(run_of(one, group))).reason == "cancelled by bob"
    assert await outcome(other, group) == "cancelled"
    assert one.champions() == other.champions() == {"production": 1}

    group = await start(one, other)
    asked = await other.waits(run_of(other, group))
    await ready(one, group)
    await one.roll_back("production", to_version=2)
    await one.roll_back("production", to_version=1)
    await other.vote(asked, "ann")
    assert (await result(one, group)).outcome == "promoted"
    assert (newest(one).version, newest(one).epoch) == (2, 6)
