from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api import asking
from api.db.store import Store
from perennial.contracts import ids, records
from tests.integration.api.desk import Desk


@pytest.fixture
async def question(desk: Desk) -> dict[str, Any]:
    """The open question of a run of a model of high risk."""
    await desk.apply(risk_tier="high", environments=["production"])
    return await desk.waits(await desk.start())


def vote(question: dict[str, Any], word: str = "approve") -> str:
    return f"/approvals/{question['approval_id']}/{word}"


def body(question: dict[str, Any], comment: str = "") -> dict[str, Any]:
    return {"evidence_digest": question["evidence_digest"], "comment": comment}


async def test_people_approve_what_they_looked_at(desk: Desk, question: dict[str, Any]) -> None:
    run = await desk.get(f"/runs/{question['run_id']}")
    assert run["status"] == "waiting" and run["approval"] == question
    version = await desk.get(f"/models/{desk.model}/versions/{question['version']}")
    assert version["evidence_digest"] == question["evidence_digest"]

    voters = ["approver", "admin"][: question["required"]]
    for count, role in enumerate(voters, start=1):
        taken = await desk.post(vote(question), body(question, "looked at it"), role=role)
        assert (taken["votes"], taken["required"]) == (count, question["required"])
    assert taken["status"] == "approved"
    assert (await desk.ended(question["run_id"]))["outcome"] == "promoted"
    history = await desk.get(f"/models/{desk.model}/champions/history?environment=production")
    assert history["items"][0]["approved_by"] == voters
    assert len(await desk.ledger("approval.voted")) == len(voters)


async def test_a_repeated_vote_is_one_vote(desk: Desk, question: dict[str, Any]) -> None:
    first = await desk.post(vote(question, "reject"), body(question), role="approver", key="k")
    again = await desk.post(vote(question, "reject"), body(question), role="approver", key="k")
    assert first == again and first["status"] == "rejected"
    assert (await desk.ended(question["run_id"]))["outcome"] == "rejected"
    assert len(await desk.ledger("approval.voted")) == 1


async def test_votes_that_do_not_count_are_refused_and_remembered(
    desk: Desk, question: dict[str, Any]
) -> None:
    stale = {"evidence_digest": "0" * 64}
    refused = [
        await desk.post(vote(question), body(question), 403, role="engineer"),
        await desk.post(vote(question), body(question), 403, role="viewer"),
        await desk.post(vote(question), stale, 409, role="approver"),
    ]
    assert "evidence" in refused[2]["detail"] and "changed" in refused[2]["detail"]
    await desk.post(vote(question, "reject"), body(question, "too risky"), role="admin")
    end = await desk.ended(question["run_id"])
    assert (end["outcome"], "too risky" in end["reason"]) == ("rejected", True)
    refused.append(await desk.post(vote(question), body(question), 409, role="approver"))
    assert "rejected" in refused[3]["detail"] and "start another run" in refused[3]["detail"]

    rows = await desk.ledger("approval.refused")
    assert [(row["actor"], row["body"]["reason"]) for row in rows] == [
        (actor, problem["detail"])
        for actor, problem in zip(
            ("engineer", "viewer", "approver", "approver"), refused, strict=True
        )
    ]
    assert {row["subject"] for row in rows} == {question["approval_id"]}
    assert (await desk.get("/ledger/verify"))["ok"]


async def test_a_vote_waits_for_a_run_that_lives_through_its_question_again(
    desk: Desk, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.apply(risk_tier="medium", environments=["production"])
    desk.plan.hold("register")
    run_id = await desk.start()
    await desk.plan.reached("register")
    version = await desk.get(f"/models/{desk.model}/versions/1")
    asked = ids.approval_id(run_id, "production", 1)
    now = datetime.now(UTC)
    # what a worker leaves behind that dies between its records and the end of its workflow task
    store.open_approval(
        records.OpenApproval(
            effect=ids.effect("approval", asked, "opened"),
            approval_id=asked,
            run_id=run_id,
            model=desk.model,
            version=1,
            environment="production",
            author="engineer",
            required=1,
            evidence_digest=version["evidence_digest"],
            opened_at=now,
            expires_at=now + timedelta(days=1),
        )
    )
    released: list[str] = []

    async def caught_up() -> None:
        if not released:
            released.append("register")
            desk.plan.release("register")
        await asyncio.sleep(0.05)

    monkeypatch.setattr(asking, "pause", caught_up)
    question = {"approval_id": asked, "evidence_digest": version["evidence_digest"]}
    taken = await desk.post(vote(question), body(question), role="approver")
    assert (released, taken["status"]) == (["register"], "approved")
    assert (await desk.ended(run_id))["outcome"] == "promoted"
    assert await desk.ledger("approval.refused") == []


async def test_nobody_approves_a_version_of_their_own(desk: Desk) -> None:
    await desk.apply(risk_tier="high", environments=["production"])
    question = await desk.waits(await desk.start(role="admin"))
    assert question["author"] == "admin"
    problem = await desk.post(vote(question), body(question), 403, role="admin")
    assert problem["type"] == "urn:perennial:error:not-allowed"
    await desk.post(f"/runs/{question['run_id']}/cancel", {}, 202)
    assert (await desk.ended(question["run_id"]))["outcome"] == "cancelled"


async def test_an_approval_that_expired_says_when(desk: Desk) -> None:
    await desk.apply(
        risk_tier="high", environments=["production"], approvals={"expires_after": "1s"}
    )
    run_id = await desk.start()
    end = await desk.ended(run_id)
    assert end["outcome"] == "expired"
    question = end["approval"]
    problem = await desk.post(vote(question), body(question), 409, role="approver")
    closed = question["closed_at"][:16].replace("T", " ")
    assert f"is expired at {closed} UTC" in problem["detail"]
    assert (await desk.get(f"/models/{desk.model}/champions"))["champions"] == []
