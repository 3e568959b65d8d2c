"""People are asked when the policy says so, and only a vote that counts counts."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.client import WorkflowUpdateFailedError

from perennial.contracts import lifecycle
from tests.workflows.house import House, key, refusal


async def waiting(house: House, run_id: str, environment: str = "production") -> lifecycle.RunView:
    """The run's view once it asks people about an environment."""
    async with asyncio.timeout(30):
        while True:
            view = await house.view(run_id)
            if view.approval_id.startswith(f"{run_id}.{environment}."):
                return view
            await asyncio.sleep(0.05)


@pytest.fixture
async def asked(house: House) -> tuple[House, lifecycle.RunView]:
    """A medium-risk model whose first version waits for production."""
    await house.apply(risk_tier="medium")
    accepted = await house.start(0.8, actor="ada")
    return house, await waiting(house, accepted.run_id)


async def test_one_approval_takes_it_to_production(
    asked: tuple[House, lifecycle.RunView],
) -> None:
    house, view = asked
    assert "production" not in house.champions()
    taken = await house.vote(view, "grace")
    assert taken.status == "approved"
    assert (await house.result(view.run_id)).outcome == "promoted"
    assert house.champions()["production"] == 1


async def test_a_rejection_ends_the_run_with_who_and_why(
    asked: tuple[House, lifecycle.RunView],
) -> None:
    house, view = asked
    await house.vote(view, "grace", approve=False)
    result = await house.result(view.run_id)
    assert (result.outcome, result.reached) == ("rejected", "staging")
    assert "grace" in result.reason


@pytest.mark.parametrize(
    ("actor", "roles", "digest", "kind", "says"),
    [
        ("ada", ("approver",), None, "NotAllowed", "author"),
        ("grace", ("engineer",), None, "NotAllowed", "approver or admin"),
        ("grace", ("approver",), "0" * 64, "Refused", "evidence of version 1 has changed"),
    ],
)
async def test_votes_that_do_not_count_are_refused(
    asked: tuple[House, lifecycle.RunView],
    actor: str,
    roles: tuple[str, ...],
    digest: str | None,
    kind: str,
    says: str,
) -> None:
    house, view = asked
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await house.vote(view, actor, roles=roles, digest=digest)
    assert refusal(error.value).type == kind
    assert says in str(refusal(error.value))
    assert (await house.view(view.run_id)).votes == ()


async def test_two_people_are_needed_at_high_risk_and_each_counts_once(house: House) -> None:
    await house.apply(risk_tier="high", environments=["production"])
    accepted = await house.start()
    view = await waiting(house, accepted.run_id)
    assert view.required == 2
    request = key()
    first = await house.vote(view, "grace", request=request)
    repeat = await house.vote(view, "grace", request=request)
    assert first == repeat
    assert (first.status, first.votes) == ("open", 1)
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await house.vote(view, "grace")
    assert "has voted" in str(refusal(error.value))
    assert (await house.vote(view, "edsger")).status == "approved"
    assert (await house.result(accepted.run_id)).outcome == "promoted"


async def test_a_question_expires_and_never_promotes(house: House) -> None:
    await house.apply(
        risk_tier="medium", environments=["production"], approvals={"expires_after": "2s"}
    )
    accepted = await house.start()
    view = await waiting(house, accepted.run_id)
    result = await house.result(accepted.run_id)
    assert result.outcome == "expired"
    assert house.champions() == {}
    with pytest.raises(Exception, match=r"completed|not found"):
        await house.vote(view, "grace")


async def test_a_champion_that_moves_meanwhile_makes_people_be_asked_again(house: House) -> None:
    await house.apply(risk_tier="medium", environments=["production"])
    for score in (0.8, 0.85):
        accepted = await house.start(score)
        await house.vote(await waiting(house, accepted.run_id), "grace")
        await house.result(accepted.run_id)
    third = await house.start(0.9)
    view = await waiting(house, third.run_id)
    await house.roll_back("production")
    async with asyncio.timeout(30):
        while (again := await house.view(third.run_id)).approval_id in ("", view.approval_id):
            await asyncio.sleep(0.05)
    with pytest.raises(WorkflowUpdateFailedError) as error:
        await house.vote(view, "grace")
    assert again.approval_id in str(refusal(error.value))
    await house.vote(again, "grace")
    assert (await house.result(third.run_id)).version == 3
    assert house.champions() == {"production": 3}
