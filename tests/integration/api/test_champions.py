from __future__ import annotations

import asyncio

from temporalio.client import Client

from perennial.contracts import ids
from tests.integration.api.desk import Desk


async def test_a_rollback_puts_the_one_before_back(desk: Desk) -> None:
    await desk.apply(environments=["production"])
    await desk.run(0.8)
    await desk.run(0.9)
    where = f"/models/{desk.model}"
    back = await desk.post(
        f"{where}/rollback", {"environment": "production", "reason": "alarms"}, key="k"
    )
    assert (back["version"], back["epoch"], back["cause"]) == (1, 3, "rollback")
    assert (back["actor"], back["reason"]) == ("engineer", "alarms")
    again = await desk.post(
        f"{where}/rollback", {"environment": "production", "reason": "alarms"}, key="k"
    )
    assert again == back
    assert (await desk.get(f"{where}/champions"))["champions"] == [back]

    history = (await desk.get(f"{where}/champions/history"))["items"]
    assert [(h["version"], h["epoch"], h["cause"]) for h in history] == [
        (1, 3, "rollback"),
        (2, 2, "promotion"),
        (1, 1, "promotion"),
    ]
    assert [(h["from"], h["to"]) for h in history][1:] == [
        (history[1]["from"], history[0]["from"]),
        (history[2]["from"], history[1]["from"]),
    ]
    then = await desk.get(f"{where}/champions/history?at={history[1]['from']}")
    assert [h["version"] for h in then["items"]] == [2]


async def test_a_rollback_without_anything_to_go_back_to(desk: Desk) -> None:
    await desk.apply(environments=["production"])
    await desk.run()
    where = f"/models/{desk.model}/rollback"
    problem = await desk.post(where, {"environment": "production"}, 409)
    assert "no other champion" in problem["detail"]
    problem = await desk.post(where, {"environment": "production", "to_version": 7}, 409)
    assert "version 7 never was champion" in problem["detail"]
    problem = await desk.post(where, {"environment": "staging"}, 409)
    assert "not one of" in problem["detail"]


async def test_a_version_that_exists_is_promoted_further(desk: Desk) -> None:
    await desk.apply(environments=["development", "production"])
    await desk.run(0.8)
    await desk.run(0.9)
    where = f"/models/{desk.model}"
    accepted = await desk.post(
        f"{where}/promote", {"version": 1, "environment": "development", "reason": "compare"}, 202
    )
    end = await desk.ended(accepted["run_id"])
    assert (end["kind"], end["version"], end["asked_because"]) == ("promotion", 1, "compare")
    assert end["outcome"] == "denied", "it is worse than the champion"
    problem = await desk.post(f"{where}/promote", {"version": 9, "environment": "production"}, 404)
    assert "version 9" in problem["detail"]


async def test_a_model_is_paused_resumed_and_retired(desk: Desk) -> None:
    await desk.apply(environments=["production"])
    await desk.run()
    where = f"/models/{desk.model}"
    assert (await desk.post(f"{where}/pause", {"reason": "labels"}))["status"] == "paused"
    queued = await desk.post(f"{where}/runs", {}, 202)
    assert queued["status"] == "queued"
    assert (await desk.post(f"{where}/resume", role="admin"))["status"] == "active"
    await desk.ended(queued["run_id"])

    retired = await desk.post(f"{where}/retire", {"reason": "done"}, role="admin", key="end")
    assert retired == {"model": desk.model, "status": "retired"}
    (champion,) = (await desk.get(f"{where}/champions"))["champions"]
    assert (champion["version"], champion["cause"]) == (None, "retirement")
    # the same request again has its answer, anything else is refused
    again = await desk.post(f"{where}/retire", {"reason": "done"}, role="admin", key="end")
    assert again == retired
    for path, body, status in (
        (f"{where}/retire", {}, 409),
        (f"{where}/runs", {}, 409),
        ("/models", desk.spec(), 409),
    ):
        problem = await desk.post(path, body, status, role="admin")
        assert problem["type"] == "urn:perennial:error:model-retired"


async def test_an_owner_that_was_lost_starts_anew_from_the_records(
    desk: Desk, temporal: Client
) -> None:
    await desk.apply(environments=["production"])
    await desk.apply(environments=["production"], risk_tier="medium")
    await desk.post(f"/models/{desk.model}/pause")
    await temporal.get_workflow_handle(ids.model_workflow(desk.model)).terminate("lost")
    queued = await desk.post(f"/models/{desk.model}/runs", {"params": {"score": 0.2}}, 202)
    # it knows its spec and that it is paused, though nobody applied anything since
    assert queued["status"] == "queued"
    await desk.post(f"/models/{desk.model}/resume", role="admin")
    async with asyncio.timeout(60):
        end = await desk.ended(queued["run_id"])
    assert (end["spec_version"], end["outcome"]) == (2, "denied")
