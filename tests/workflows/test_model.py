"""The owner of a model: one run at a time, requests once, levers that hold."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from sqlmodel import select
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError

from api.db.monitoring_tables import TriggerRow
from api.db.tables import RunRow
from perennial.canonical import digest
from perennial.contracts import ids, lifecycle, triggers
from perennial.contracts.retraining import RetrainLimits
from tests.workflows.house import House, key, refusal


def wish(model: str, request: str) -> triggers.RecordTrigger:
    """A wish as a monitor records it before it tells the model's workflow."""
    trigger_id = ids.trigger_id(model, request)
    return triggers.RecordTrigger(
        effect=ids.effect("trigger", trigger_id),
        trigger_id=trigger_id,
        model=model,
        wanted=triggers.RetrainWanted(
            request_id=request,
            actor="monitor",
            cause="drift",
            snapshot=digest(request),
            at=datetime.now(UTC),
        ),
        limits=RetrainLimits(),
        run_id=ids.run_id(model, trigger_id),
    )


async def test_a_second_run_waits_its_turn(house: House) -> None:
    await house.apply(concurrency="queue")
    house.plan.hold("train")
    first = await house.start(0.8)
    second = await house.start(0.9)
    assert (first.status, second.status, second.ahead) == ("running", "queued", 1)
    await house.plan.reached("train")
    house.plan.release("train")
    assert (await house.result(first.run_id)).version == 1
    assert (await house.result(second.run_id)).version == 2


async def test_a_second_run_is_rejected_where_the_spec_says_so(house: House) -> None:
    await house.apply(concurrency="reject", retraining={})
    promised = wish(house.model, "promised")
    assert house.store.record_trigger(promised).run_id == promised.run_id
    house.plan.hold("train")
    first = await house.start()
    await house.plan.reached("train")
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await house.start()
    assert first.run_id in str(refusal(error.value))
    # wishes are kept with what became of them, also the one whose run was allowed before
    await house.owner.signal(triggers.RETRAIN_WANTED, promised.wanted)
    other = wish(house.model, "other").wanted
    answer = await house.ask(triggers.RETRAIN, other, triggers.TriggerRecorded)
    assert (answer.governed.decision, answer.governed.rule) == ("wait", "running")
    with house.store.database.reading() as session:
        kept = {row.trigger_id: row for row in session.exec(select(TriggerRow)).all()}
    found = kept[promised.trigger_id]
    assert (found.decision, found.rule, found.run_id) == ("wait", "room", None)
    assert first.run_id in found.why and "concurrency: reject" in found.why
    assert answer.trigger_id in kept
    house.plan.release("train")
    assert (await house.result(first.run_id)).outcome == "promoted"


async def test_a_second_run_replaces_where_the_spec_says_so(house: House) -> None:
    await house.apply(concurrency="replace")
    house.plan.hold("train")
    first = await house.start(0.8)
    await house.plan.reached("train")
    second = await house.start(0.9)
    ended = await house.result(first.run_id)
    assert ended.outcome == "cancelled"
    assert second.run_id in ended.reason
    house.plan.release("train")
    assert (await house.result(second.run_id)).outcome == "promoted"


async def test_the_same_request_starts_one_run(house: House) -> None:
    await house.apply()
    request = key()
    first = await house.start(0.8, request=request)
    again = await house.start(0.8, request=request)
    assert first == again
    await house.result(first.run_id)
    assert house.plan.calls.count("train") == 1


async def test_a_key_that_comes_back_with_another_request_is_refused(house: House) -> None:
    await house.apply()
    request = key()
    await house.start(0.8, request=request)
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await house.owner.execute_update(
            lifecycle.START_RUN,
            lifecycle.StartRun(
                request_id=request,
                actor="ada",
                run_id=ids.run_id(house.model, request),
                params={"score": 0.9},
            ),
            id=key(),
        )
    assert refusal(error.value).type == "KeyReused"


async def test_a_paused_model_holds_runs_and_promotions_until_resumed(house: House) -> None:
    await house.apply()
    house.plan.hold("register")
    first = await house.start(0.8)
    await house.plan.reached("register")
    await house.lever(lifecycle.PAUSE)
    house.plan.release("register")
    second = await house.start(0.9)
    assert second.status == "queued"
    assert house.champions() == {}
    await house.lever(lifecycle.RESUME)
    assert (await house.result(first.run_id)).outcome == "promoted"
    assert (await house.result(second.run_id)).outcome == "promoted"


async def test_a_paused_model_can_be_rolled_back(house: House) -> None:
    await house.apply()
    await house.run(0.8)
    await house.run(0.9)
    await house.lever(lifecycle.PAUSE)
    assert (await house.roll_back("production")).version == 1


async def test_a_cancelled_run_says_who_and_why(house: House) -> None:
    await house.apply()
    house.plan.hold("train")
    run = await house.start()
    await house.plan.reached("train")
    await house.ask(
        lifecycle.CANCEL_RUN,
        lifecycle.CancelRun(
            request_id=key(), actor="ada", run_id=run.run_id, reason="wrong months"
        ),
        lifecycle.RunAccepted,
    )
    result = await house.result(run.run_id)
    assert (result.outcome, result.reason) == ("cancelled", "cancelled by ada: wrong months")


async def test_a_run_cancelled_in_temporals_own_ui_ends_cancelled(house: House) -> None:
    await house.apply()
    house.plan.hold("train")
    run = await house.start()
    await house.plan.reached("train")
    await house.run_handle(run.run_id).cancel()
    with pytest.raises(WorkflowFailureError):
        await house.result(run.run_id)
    house.plan.release("train")
    assert (await house.run()).outcome == "promoted"


async def test_a_run_terminated_from_outside_does_not_hold_up_its_model(house: House) -> None:
    await house.apply()
    house.plan.hold("train")
    run = await house.start()
    await house.plan.reached("train")
    await house.run_handle(run.run_id).terminate("by an operator")
    house.plan.release("train")
    assert (await house.run()).outcome == "promoted"


async def test_a_retired_model_refuses_everything(house: House) -> None:
    await house.apply()
    await house.run(0.8)
    house.plan.hold("train")
    run = await house.start(0.9)
    await house.plan.reached("train")
    status = await house.lever(lifecycle.RETIRE)
    assert status.status == "retired"
    house.plan.release("train")
    assert (await house.result(run.run_id)).outcome == "cancelled"
    assert set(house.champions().values()) == {None}


async def test_who_comes_while_a_model_retires_is_not_forgotten(house: House) -> None:
    await house.apply()
    asked = [house.start(0.8), house.lever(lifecycle.RETIRE), house.start(0.9), house.start(0.9)]
    found = await asyncio.gather(*asked, return_exceptions=True)
    accepted = [each for each in found if isinstance(each, lifecycle.RunAccepted)]
    await house.owner.result()
    with house.store.database.reading() as session:
        ends = [session.get_one(RunRow, each.run_id).outcome for each in accepted]
    assert None not in ends


@pytest.mark.parametrize("environment", ["staging", "production"])
async def test_nothing_to_roll_back_to_is_said_plainly(house: House, environment: str) -> None:
    await house.apply()
    await house.run(0.8)
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await house.roll_back(environment)
    assert refusal(error.value).type == "Refused"


async def test_a_model_without_spec_takes_no_runs(house: House) -> None:
    await house.apply()
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await house.ask(
            lifecycle.PROMOTE,
            lifecycle.Promote(
                request_id=key(), actor="ada", run_id="x", version=9, environment="production"
            ),
            lifecycle.RunAccepted,
        )
    assert refusal(error.value).type == "NotFound"
