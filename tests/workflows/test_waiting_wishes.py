"""A wish that comes once and has to wait is put again by the round, until it has its answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from temporalio.client import Client

from perennial.canonical import digest
from perennial.contracts import ids, records, triggers
from perennial.contracts.retraining import RetrainLimits
from tests.workflows.house import House, key
from tests.workflows.test_aliases import look
from tests.workflows.test_schedules import wishes
from tests.workflows.waiting import until


def message() -> triggers.RetrainWanted:
    """An event of a bus, as its worker puts it."""
    request = key()
    return triggers.RetrainWanted(
        request_id=request,
        actor="bus",
        cause="message",
        snapshot=digest(request),
        at=datetime.now(UTC),
        reason="rows have come",
    )


async def asked_again(client: Client, model: str) -> bool:
    """A round; whether it put a wish of the model again."""
    told = (await look(client)).split("; ")[1]
    assert told.startswith("asked again: ")
    return model in told


async def test_a_message_during_a_run_is_followed_by_a_run_of_its_own(
    house: House, temporal: Client
) -> None:
    await house.apply(retraining={"cooldown": "1s"})
    house.plan.hold("train")
    first = await house.start()
    await house.plan.reached("train")
    event = message()
    answer = await house.ask(triggers.RETRAIN, event, triggers.TriggerRecorded)
    assert (answer.governed.decision, answer.governed.rule) == ("wait", "running")
    assert not await asked_again(temporal, house.model), "the run has not ended"
    house.plan.release("train")
    assert (await house.result(first.run_id)).outcome == "promoted"

    async def followed() -> bool:
        await look(temporal)
        return any(each.run_id for each in wishes(house))

    await until(followed)
    came, *_, last = wishes(house)
    assert (came.trigger_id, came.decision) == (answer.trigger_id, "wait")
    assert (last.decision, last.cause, last.actor) == ("allow", "message", "bus")
    assert (last.reason, last.snapshot) == (event.reason, event.snapshot)
    assert last.run_id is not None
    assert (await house.result(last.run_id)).outcome == "promoted"
    assert not await asked_again(temporal, house.model)
    assert house.plan.calls.count("train") == 2


async def test_a_wish_put_twice_under_one_name_is_heard_once(
    house: House, temporal: Client
) -> None:
    await house.apply(retraining={"cooldown": "1s"})
    event = message()
    house.store.record_trigger(
        waits(house.model, event, no_room="the queue is full; cancel runs or wait")
    )
    [due] = [w for w in house.store.waiting_wishes(datetime.now(UTC)) if w.model == house.model]
    assert await asked_again(temporal, house.model)
    # a round that came before the model had answered, later by the clock
    later = due.wanted.model_copy(update={"at": datetime.now(UTC)})
    await house.owner.signal(triggers.RETRAIN_WANTED, later)
    await until(lambda: len(wishes(house)) == 2)
    [run_id] = [each.run_id for each in wishes(house) if each.run_id]
    assert (await house.result(run_id)).outcome == "promoted"
    assert not await asked_again(temporal, house.model)
    assert len(wishes(house)) == 2
    assert house.plan.calls.count("train") == 1


async def test_a_model_whose_owner_does_not_run_holds_up_no_round(
    house: House, temporal: Client
) -> None:
    house.store.record_spec(
        records.RecordSpec(
            effect=key(), spec=house.spec(retraining={}), actor="ada", at=datetime.now(UTC)
        )
    )
    house.store.record_trigger(waits(house.model, message(), no_room="no room"))
    due = house.store.waiting_wishes(datetime.now(UTC))
    assert house.model in [each.model for each in due]
    assert not await asked_again(temporal, house.model)


def waits(model: str, wanted: triggers.RetrainWanted, **more: Any) -> triggers.RecordTrigger:
    """A wish as it is on record."""
    trigger_id = ids.trigger_id(model, wanted.request_id)
    return triggers.RecordTrigger(
        effect=ids.effect("trigger", trigger_id),
        trigger_id=trigger_id,
        model=model,
        wanted=wanted,
        limits=RetrainLimits(),
        run_id=ids.run_id(model, trigger_id),
        **more,
    )
