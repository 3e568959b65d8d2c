"""A version earns its traffic by steps, or gives it back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlmodel import col, select
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError

from api.db.tables import DecisionRow, RunEventRow, RunRow
from perennial.contracts import ids, lifecycle, rollout, ruling
from perennial.contracts.serving import Deployment
from tests.workflows.house import House, key, refusal
from tests.workflows.plane import Plane

STEPS = [{"percent": 5, "hold": "1s"}, {"percent": 50, "hold": "1s"}]


def plan(**changes: Any) -> dict[str, Any]:
    return {
        "strategy": "canary",
        "steps": STEPS,
        "interval": "1s",
        "longest_hold": "1s",
        "guardrails": {"errors": {"allowed": 0.01, "requests": 200}, "slow": None},
        **changes,
    }


async def begin(house: House, **changes: Any) -> None:
    await house.apply(environments=["production"], rollout=plan(**changes))
    assert (await house.run(0.8)).outcome == "promoted", "the first version has nobody to beat"


def alone(deployment: Deployment | None, version: int) -> bool:
    return deployment is not None and [
        (each.name, each.version) for each in deployment.variants
    ] == [("champion", version)]


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not await asyncio.to_thread(what):
            await asyncio.sleep(0.05)


def handle(house: House) -> Any:
    return house.client.get_workflow_handle(ids.rollout_workflow(house.model, "production"))


async def view(
    house: House, *, waiting: bool = False, run_id: str | None = None
) -> rollout.RolloutView:
    """What the rollout says once it has begun; of that run, where there was one before."""
    async with asyncio.timeout(30):
        while True:
            try:
                seen: rollout.RolloutView = await handle(house).query(
                    lifecycle.STATE, result_type=rollout.RolloutView
                )
                ours = run_id in (None, seen.run_id)
                if ours and seen.step and (seen.waiting or not waiting):
                    return seen
            except RPCError:
                pass  # not started yet
            await asyncio.sleep(0.05)


async def rule(house: House, actor: str, *, go_on: bool, digest: str | None = None) -> ruling.Ruled:
    seen = await view(house, waiting=True)
    ask = ruling.Rule(
        request_id=key(),
        actor=actor,
        roles=("approver",),
        go_on=go_on,
        evidence_digest=digest or seen.evidence_digest,
        comment="looked at it",
    )
    ruled: ruling.Ruled = await handle(house).execute_update(
        ruling.RULE, ask, id=ask.request_id, result_type=ruling.Ruled
    )
    return ruled


def tellings(house: House) -> list[RunEventRow]:
    """What rollouts of the model have told their runs on the way."""
    with house.store.database.reading() as session:
        rows = session.exec(
            select(RunEventRow)
            .join(RunRow, col(RunRow.run_id) == col(RunEventRow.run_id))
            .where(RunRow.model == house.model, RunEventRow.event == "progress")
        )
        return [row for row in rows if row.data.get("stage") == "rollout"]


def decisions(house: House) -> list[tuple[str, str, int]]:
    """Phase, outcome and share of what the policy was asked about rollouts."""
    with house.store.database.reading() as session:
        rows = session.exec(
            select(DecisionRow)
            .where(DecisionRow.model == house.model)
            .order_by(DecisionRow.decided_at)  # type: ignore[arg-type]
        )
        return [
            (row.question["phase"], row.outcome, row.question["percent"])
            for row in rows
            if row.question["kind"] == "rollout"
        ]


async def test_a_canary_climbs_by_steps_and_takes_everything(house: House, plane: Plane) -> None:
    await begin(house)
    result = await house.run(0.9)
    assert result.outcome == "promoted", result.reason
    assert house.champions() == {"production": 2}
    await until(lambda: alone(plane.serving().deployment, 2))
    climbed = [now for now in plane.history if "challenger" in now]
    assert climbed == [
        {"challenger": 500, "champion": 9000, "control": 500},
        {"challenger": 5000, "champion": 0, "control": 5000},
    ]
    assert decisions(house) == [
        ("step", "allow", 0),
        ("step", "allow", 5),
        ("step", "allow", 50),
    ]
    assert {"gate", "rollout", "promote"} <= house.stages(result.run_id, "passed")


async def test_a_worse_canary_is_rolled_back_with_the_numbers(house: House, plane: Plane) -> None:
    await begin(house)
    plane.errors = {"challenger": 0.2}
    result = await house.run(0.9)
    assert result.outcome == "denied"
    assert "rolled back at 5 %: errors: 20.00 % of" in result.reason
    assert house.champions() == {"production": 1}
    assert alone(plane.serving().deployment, 1)
    assert decisions(house)[-1] == ("step", "deny", 5)


@pytest.mark.parametrize(("strategy", "share"), [("ab", 50), ("dark", 0)], ids=str)
async def test_other_strategies_have_one_step(
    house: House, plane: Plane, strategy: str, share: int
) -> None:
    await begin(house, strategy=strategy, steps=[{"percent": share, "hold": "1s"}])
    result = await house.run(0.9)
    assert result.outcome == "promoted", result.reason
    _, step, last = plane.history
    assert step["challenger"] == 100 * share and last == {"champion": 10_000}
    assert alone(plane.serving().deployment, 2)


async def test_copies_come_before_any_caller_sees_it(house: House, plane: Plane) -> None:
    plane.disagrees = 0.05
    await begin(house, steps=[{"percent": 0, "shadow": 20, "hold": "1s"}, STEPS[1]])
    result = await house.run(0.9)
    assert result.outcome == "promoted", result.reason
    copies, shares = plane.history[1:3]
    assert len(tellings(house)) <= 2 * 4, "what is news, and not every look"
    assert copies == {"challenger": 0, "champion": 10_000, "control": 0}
    assert shares == {"challenger": 5_000, "champion": 0, "control": 5_000}


async def test_who_answers_copies_otherwise_answers_nobody(house: House, plane: Plane) -> None:
    plane.disagrees = 0.3
    await begin(house, strategy="shadow", steps=[{"percent": 0, "shadow": 20, "hold": "1s"}])
    result = await house.run(0.9)
    assert result.outcome == "denied"
    assert "30.00 % of" in result.reason and "10.00 % is allowed" in result.reason
    assert {shares.get("challenger", 0) for shares in plane.history} == {0}
    assert alone(plane.serving().deployment, 1)


async def test_figures_that_decide_nothing_wait_for_a_person(house: House, plane: Plane) -> None:
    await begin(house, steps=STEPS[:1])
    plane.rate = 0
    accepted = await house.start(0.9)
    seen = await view(house, waiting=True)
    assert seen.verdict == "no_data" and "answered no request" in seen.reason
    with pytest.raises(WorkflowUpdateFailedError) as stale:
        await rule(house, "ann", go_on=True, digest="0" * 64)
    assert "figures have changed" in refusal(stale.value).message
    with pytest.raises(WorkflowUpdateFailedError) as own:
        await rule(house, "ada", go_on=True)
    assert "somebody else has to rule" in refusal(own.value).message
    assert (await rule(house, "ann", go_on=True)).go_on
    assert (await house.result(accepted.run_id)).outcome == "promoted"
    assert decisions(house)[-1] == ("step", "allow", 5)


async def test_a_person_may_send_it_back(house: House, plane: Plane) -> None:
    await begin(house, steps=STEPS[:1])
    plane.rate = 0
    accepted = await house.start(0.9)
    await rule(house, "ann", go_on=False)
    result = await house.result(accepted.run_id)
    assert result.outcome == "denied"
    assert "ann called it off at 5 %: looked at it" in result.reason
    assert alone(plane.serving().deployment, 1)


async def test_what_gets_worse_while_people_are_asked_is_rolled_back(
    house: House, plane: Plane
) -> None:
    await begin(house, steps=STEPS[:1])
    plane.rate = 0
    accepted = await house.start(0.9)
    await view(house, waiting=True)
    plane.rate, plane.errors = 4000, {"challenger": 0.5}
    result = await house.result(accepted.run_id)
    assert result.outcome == "denied" and "rolled back at 5 %" in result.reason


async def test_time_never_promotes(house: House, plane: Plane) -> None:
    await begin(house, steps=STEPS[:1], longest_hold="1s")
    await house.apply(
        environments=["production"],
        rollout=plan(steps=STEPS[:1]),
        approvals={"expires_after": "1s"},
    )
    plane.rate = 0
    result = await house.run(0.9)
    assert result.outcome == "denied" and "nobody ruled on it in time" in result.reason
    assert house.champions() == {"production": 1}


async def test_a_rollout_called_off_gives_everything_back_at_once(
    house: House, plane: Plane
) -> None:
    await begin(house, steps=[{"percent": 5, "hold": "1h"}])
    accepted = await house.start(0.9)
    await view(house)
    ask = ruling.CallOff(request_id=key(), actor="ann", reason="incident 7")
    await handle(house).execute_update(ruling.CALL_OFF, ask, id=ask.request_id)
    result = await house.result(accepted.run_id)
    assert result.outcome == "denied" and "ann called it off at 5 %: incident 7" in result.reason
    assert alone(plane.serving().deployment, 1)


async def test_a_cancelled_run_takes_its_rollout_with_it(house: House, plane: Plane) -> None:
    await begin(house, steps=[{"percent": 5, "hold": "1h"}])
    accepted = await house.start(0.9)
    await view(house)
    await house.ask(
        lifecycle.CANCEL_RUN,
        lifecycle.CancelRun(request_id=key(), actor="ada", run_id=accepted.run_id),
        lifecycle.RunAccepted,
    )
    assert (await house.result(accepted.run_id)).outcome == "cancelled"
    assert alone(plane.serving().deployment, 1)


async def test_a_terminated_run_leaves_no_rollout_behind(house: House, plane: Plane) -> None:
    await begin(house, steps=[{"percent": 5, "hold": "1h"}])
    accepted = await house.start(0.9)
    await view(house)
    await house.run_handle(accepted.run_id).terminate("by an operator")
    await until(lambda: alone(plane.serving().deployment, 1))


async def test_a_rollback_by_hand_ends_a_rollout(house: House, plane: Plane) -> None:
    await begin(house)
    assert (await house.run(0.85)).outcome == "promoted"
    await house.apply(
        environments=["production"], rollout=plan(steps=[{"percent": 5, "hold": "1h"}])
    )
    accepted = await house.start(0.9)
    await view(house, run_id=accepted.run_id)
    await house.roll_back("production")
    result = await house.result(accepted.run_id)
    assert result.outcome == "denied" and "somebody else changed" in result.reason
    assert house.champions() == {"production": 1}
    assert alone(plane.serving().deployment, 1)


async def test_requests_that_get_lost_end_it(house: House, plane: Plane) -> None:
    await begin(house, steps=[{"percent": 20, "hold": "1s"}])
    plane.lost = {"challenger": 0.5}
    result = await house.run(0.9)
    assert result.outcome == "denied" and "loses or repeats requests" in result.reason


async def test_a_step_waits_until_every_process_serves_it(house: House, plane: Plane) -> None:
    await begin(house, steps=[{"percent": 0, "hold": "1s"}], strategy="blue-green")
    plane.serves = False
    accepted = await house.start(0.9)
    seen = await view(house, waiting=True)
    assert seen.verdict == "inconclusive" and "do not serve it yet" in seen.reason
    plane.serves = True
    assert (await house.result(accepted.run_id)).outcome == "promoted"


async def test_without_a_data_plane_it_does_not_begin(house: House) -> None:
    await begin(house)
    result = await house.run(0.9)
    assert result.outcome == "denied" and "no process of the data plane reports" in result.reason
    assert house.champions() == {"production": 1}


async def test_a_first_share_that_is_too_large_for_the_risk_is_never_given(
    house: House, plane: Plane
) -> None:
    await house.apply(environments=["production"], risk_tier="low")
    assert (await house.run(0.8)).outcome == "promoted"
    await house.apply(
        environments=["production"],
        risk_tier="medium",
        rollout=plan(steps=[{"percent": 90, "hold": "1s"}]),
    )
    accepted = await house.start(0.9)
    asked = await house.waits(accepted.run_id)
    await house.vote(asked, "ann")
    result = await house.result(accepted.run_id)
    assert result.outcome == "denied" and "lets it not begin" in result.reason
    assert not any("challenger" in now for now in plane.history)


async def test_a_champion_that_gets_worse_afterwards_is_rolled_back(
    house: House, plane: Plane
) -> None:
    await begin(house, steps=STEPS[:1])
    assert (await house.run(0.9)).outcome == "promoted"
    plane.errors = {"champion": 0.2}
    await until(lambda: house.champions() == {"production": 1})
    assert alone(plane.serving().deployment, 1)
    await until(lambda: decisions(house)[-1][:2] == ("guard", "deny"))


async def test_a_guard_ends_with_its_time(house: House, plane: Plane) -> None:
    await begin(house, steps=STEPS[:1], guard="1s")
    assert (await house.run(0.9)).outcome == "promoted"
    guard = house.client.get_workflow_handle(
        ids.guard_workflow(house.model, "production", 2), result_type=rollout.Guarded
    )
    assert (await guard.result()).outcome == "over"
    assert house.champions() == {"production": 2}
