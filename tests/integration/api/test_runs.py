from __future__ import annotations

import asyncio

import pytest

from api import asking
from perennial.contracts import queues
from perennial.contracts.errors import ClusterUnavailable
from tests.integration.api.desk import Desk


async def test_a_model_reaches_production_by_http(desk: Desk) -> None:
    assert await desk.apply() == {"model": desk.model, "spec_version": 1, "changed": True}
    run_id = await desk.start()
    events = await desk.events(run_id)
    end = events[-1].data
    assert (end["outcome"], end["reached"], end["version"]) == ("promoted", "production", 1)
    assert end == await desk.get(f"/runs/{run_id}")
    names = {event.name for event in events}
    assert names == {"run", "stage", "decision", "champion", "end"}
    assert [e.id for e in events[:-1]] == [str(n) for n in range(1, len(events))]
    assert {s["status"] for s in end["stages"]} == {"passed"}

    champions = (await desk.get(f"/models/{desk.model}/champions"))["champions"]
    assert [(c["environment"], c["version"], c["run_id"]) for c in champions] == [
        (environment, 1, run_id)
        for environment in ("development", "testing", "staging", "production")
    ]
    decisions = (await desk.get(f"/decisions?model={desk.model}"))["items"]
    assert {d["outcome"] for d in decisions} == {"allow"}
    assert champions[-1]["decision_id"] in {d["decision_id"] for d in decisions}
    assert len(await desk.ledger("champion.moved")) == 4
    assert (await desk.get("/ledger/verify"))["ok"]


async def test_a_worse_one_is_denied_with_the_numbers(desk: Desk) -> None:
    await desk.apply()
    end = await desk.run(score=0.4)
    assert end["outcome"] == "denied"
    assert "0.4" in end["reason"] and "0.7" in end["reason"]
    assert (await desk.get(f"/models/{desk.model}/champions"))["champions"] == []


async def test_a_run_that_no_worker_would_take_up_is_refused(desk: Desk) -> None:
    mine = {"workflow": "Mine", "task_queue": f"nobody-{desk.model}"}
    await desk.apply(lifecycle=mine)
    problem = await desk.post(f"/models/{desk.model}/runs", status=503)
    assert problem["type"] == "urn:perennial:error:workers-unavailable"
    assert mine["task_queue"] in problem["detail"] and "start that worker" in problem["detail"]
    assert await desk.ledger("run.requested") == []


async def test_a_repeated_request_has_one_effect(desk: Desk) -> None:
    first = await desk.apply(key="a")
    assert await desk.apply(key="a") == first
    run_ids = {await desk.start(key="b") for _ in range(3)}
    assert len(run_ids) == 1
    assert len(await desk.ledger("spec.applied")) == 1
    assert len(await desk.ledger("run.requested")) == 1
    for path, body, key in (
        ("/models", desk.spec(risk_tier="high"), "a"),
        (f"/models/{desk.model}/runs", {"params": {"score": 0.9}}, "b"),
        (f"/models/{desk.model}/pause", {}, "b"),
    ):
        problem = await desk.post(path, body, 409, key=key)
        assert problem["type"] == "urn:perennial:error:key-reused"
    await desk.ended(run_ids.pop())


async def test_overrides_that_do_not_fit_are_refused(desk: Desk) -> None:
    await desk.apply()
    run = await desk.post(f"/models/{desk.model}/runs", {"epochs": 2, "reason": "try"}, 202)
    end = await desk.ended(run["run_id"])
    assert (end["overrides"], end["asked_because"]) == ({"epochs": 2}, "try")


async def test_a_hotfix_says_why_and_is_shown(desk: Desk) -> None:
    await desk.apply(environments=["development"])
    runs = f"/models/{desk.model}/runs"
    problem = await desk.post(runs, {"hotfix": True, "reason": " "}, 422)
    assert "say why" in problem["problems"][0]["expected"]
    body = {"hotfix": True, "reason": "a leak", "params": {"score": 0.8}}
    end = await desk.ended((await desk.post(runs, body, 202))["run_id"])
    assert (end["outcome"], end["hotfix"]) == ("promoted", True)
    [requested] = await desk.ledger("run.requested")
    assert requested["body"]["hotfix"] is True


async def test_a_run_is_cancelled(desk: Desk) -> None:
    await desk.apply()
    desk.plan.hold("train")
    run_id = await desk.start()
    await desk.plan.reached("train")
    queued = await desk.post(f"/models/{desk.model}/runs", {}, 202)
    assert (queued["status"], queued["ahead"]) == ("queued", 1)
    assert (await desk.get(f"/models/{desk.model}"))["runs_under_way"] == [
        run_id,
        queued["run_id"],
    ]
    for each in (queued["run_id"], run_id):
        await desk.post(f"/runs/{each}/cancel", {"reason": "wrong data"}, 202)
        end = await desk.ended(each)
        assert (end["outcome"], "wrong data" in end["reason"]) == ("cancelled", True)
        problem = await desk.post(f"/runs/{each}/cancel", {}, 409)
        assert "ended already: cancelled" in problem["detail"]


async def test_what_is_tried_again_is_shown_with_its_reason(desk: Desk) -> None:
    await desk.apply(patience="5m")
    desk.plan.failures["train"] = ClusterUnavailable("Ray does not answer; start it")
    run_id = await desk.start()
    async with asyncio.timeout(60):
        while not (retrying := (await desk.get(f"/runs/{run_id}"))["retrying"]):
            await asyncio.sleep(0.1)
    assert retrying[0]["activity"] == "train_model"
    assert retrying[0]["message"] == "ClusterUnavailable: Ray does not answer; start it"
    desk.plan.failures.clear()
    assert (await desk.ended(run_id))["outcome"] == "promoted"


async def test_no_worker_is_an_answer_and_not_a_wait_without_end(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "PATIENCE", 1.0)
    monkeypatch.setattr(queues, "CONTROL", "nobody-polls-this")
    problem = await desk.post("/models", desk.spec(), 503, key="mine")
    assert problem["type"] == "urn:perennial:error:workers-unavailable"
    assert "make status" in problem["detail"]
    assert problem["idempotency_key"] == "mine"
