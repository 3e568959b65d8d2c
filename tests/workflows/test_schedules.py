"""Models that are trained again by the clock: schedules follow the specs, and end in wishes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import col, select
from temporalio.client import (
    Client,
    ScheduleActionExecutionStartWorkflow,
    ScheduleDescription,
    ScheduleHandle,
    ScheduleRange,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.schedules import CATCH_UP, JITTER
from api.db.alert_tables import AlertRow
from api.db.monitoring_tables import TriggerRow
from perennial.contracts import ids, lifecycle
from perennial.contracts.arrivals import NewRows
from perennial.contracts.errors import Final
from tests.workflows.house import House
from tests.workflows.test_aliases import look
from tests.workflows.waiting import until

COOLDOWN = timedelta(seconds=1)


def wishes(house: House) -> list[TriggerRow]:
    with house.store.database.reading() as session:
        rows = select(TriggerRow).where(TriggerRow.model == house.model)
        return list(session.exec(rows.order_by(col(TriggerRow.at))))


def alerts(house: House) -> list[AlertRow]:
    with house.store.database.reading() as session:
        return list(session.exec(select(AlertRow).where(AlertRow.model == house.model)))


async def settled(client: Client, house: House, said: bool = True) -> str:
    """Rounds until one of them puts the model's schedule right; Temporal's list lags behind."""
    rounds: list[str] = []

    async def one() -> bool:
        rounds.append((await look(client)).split(";")[0])
        return (house.model in rounds[-1]) is said

    await until(one)
    return rounds[-1]


async def test_a_schedule_follows_its_spec_and_ends_in_one_wish(
    house: House, temporal: Client
) -> None:
    schedule = temporal.get_schedule_handle(ids.retrain_schedule(house.model))

    async def described() -> ScheduleDescription:
        return await schedule.describe()

    await house.apply(retraining={"schedule": "0 4 * * MON"})
    await settled(temporal, house)
    made = (await described()).schedule
    [calendar] = made.spec.calendars
    assert list(calendar.day_of_week) == [ScheduleRange(1)]
    assert list(calendar.hour) == [ScheduleRange(4)]
    assert made.policy.catchup_window == CATCH_UP, "an outage is not made up for"

    await schedule.trigger()
    await until(lambda: bool(wishes(house)))
    [wish] = wishes(house)
    assert (wish.cause, wish.actor, wish.decision) == ("schedule", "schedule", "allow")
    assert wish.run_id is not None
    assert (await house.result(wish.run_id)).outcome == "promoted"
    ended = datetime.now(UTC)

    await schedule.pause(note="by an operator")
    # the same where enough rows have come: looked for at each time, and a wish once there are
    rows = {"schedule": "30 5 1 * *", "new_rows": 100, "cooldown": f"{COOLDOWN.seconds}s"}
    await house.apply(retraining=rows, source={"uri": "rows", "watermark": "changed"})
    await settled(temporal, house)
    renewed = (await described()).schedule
    assert renewed.spec.calendars[0].comment.startswith("30 5 1 * *, new rows ")
    assert renewed.state.paused, "an operator's pause stays"
    await settled(temporal, house, said=False)

    house.plan.failures["new rows of rows"] = Final("no such table")
    due = temporal.get_workflow_handle(await fired(schedule))
    assert (await due.result()).endswith("was not read: no such table")
    [told] = alerts(house)
    assert (told.kind, told.status) == ("data", "open") and "no such table" in told.body
    del house.plan.failures["new rows of rows"]
    due = temporal.get_workflow_handle(await fired(schedule))
    assert await due.result() == f"{house.model}: 0 new rows, 100 are enough"
    assert [each.status for each in alerts(house)] == ["closed"]
    await until(lambda: datetime.now(UTC) - ended > COOLDOWN)
    house.plan.new_rows = NewRows(rows=1200, since="2026-03-01", newest="2026-03-02")
    due = temporal.get_workflow_handle(await fired(schedule))
    assert "1,200 new rows since 2026-03-01" in await due.result()
    await until(lambda: len(wishes(house)) == 2)
    new = wishes(house)[1]
    assert (new.cause, new.reason) == ("data", "1,200 new rows since 2026-03-01")
    assert new.decision == "allow" and new.run_id is not None, new.why
    assert (await house.result(new.run_id)).outcome == "promoted"

    await house.apply(retraining={"schedule": "@every 36h"})
    await settled(temporal, house)
    now = await described()
    assert [each.every for each in now.schedule.spec.intervals] == [timedelta(hours=36)]
    assert now.schedule.state.paused
    first, second, *_ = now.info.next_action_times
    assert timedelta(hours=36) - JITTER <= second - first <= timedelta(hours=36) + JITTER
    await settled(temporal, house, said=False)

    await house.lever(lifecycle.RETIRE)
    await house.owner.result()
    await settled(temporal, house)
    assert await gone(described)


async def fired(schedule: ScheduleHandle) -> str:
    """The workflow that a schedule starts now."""
    before = len((await schedule.describe()).info.recent_actions)
    await schedule.trigger()

    async def there() -> bool:
        return len((await schedule.describe()).info.recent_actions) > before

    await until(there)
    action = (await schedule.describe()).info.recent_actions[-1].action
    assert isinstance(action, ScheduleActionExecutionStartWorkflow)
    return action.workflow_id


async def gone(described: Any) -> bool:
    try:
        await described()
    except RPCError as error:
        return error.status == RPCStatusCode.NOT_FOUND
    return False
