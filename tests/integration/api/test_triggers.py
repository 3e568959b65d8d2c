"""Asking for a model to be trained again by HTTP, and MLflow's hint that an alias was moved."""

from __future__ import annotations

import httpx
from temporalio.client import Client

from perennial.contracts import ids
from tests.integration.api.desk import Desk
from tests.signing import ALIAS, HOOK, signed
from tests.workflows.waiting import until
from workers.schedules import ensure_schedules


async def test_a_wish_is_heard_once_and_followed(desk: Desk) -> None:
    triggers = f"/models/{desk.model}/triggers"
    await desk.post(triggers, status=404)
    await desk.apply(environments=["development"])
    by_hand = await desk.post(triggers, status=202)
    assert (by_hand["governed"]["decision"], by_hand["run_id"]) == ("ask", None)

    await desk.apply(environments=["development"], retraining={"storm": 1000})
    april = {"cause": "data", "snapshot": "2013-04", "reason": "April is complete"}
    first = await desk.post(triggers, april, 202, key="april")
    assert first["governed"]["decision"] == "allow"
    assert await desk.post(triggers, april, 202, key="april") == first
    problem = await desk.post(triggers, {"cause": "data"}, 409, key="april")
    assert problem["type"] == "urn:perennial:error:key-reused"
    end = await desk.ended(first["run_id"])
    assert (end["outcome"], end["asked_because"]) == ("promoted", "data: April is complete")

    again = await desk.post(triggers, april, 202)
    assert (again["governed"]["decision"], again["governed"]["rule"]) == ("wait", "snapshot")
    items = (await desk.get(triggers))["items"]
    assert [(i["cause"], i["decision"], i["actor"]) for i in items] == [
        ("data", "wait", "engineer"),
        ("data", "allow", "engineer"),
        ("request", "ask", "engineer"),
    ]
    assert len({i["snapshot"] for i in items}) == 2, "rows are known by their names"
    assert len(await desk.ledger("retrain.wanted")) == 3


async def test_a_hint_of_mlflow_makes_the_platform_look(url: str, temporal: Client) -> None:
    async with httpx.AsyncClient(base_url=url) as mlflow:

        async def hint(delivery: str) -> dict[str, object]:
            answer = await mlflow.post(HOOK, content=ALIAS, headers=signed(delivery=delivery))
            assert answer.status_code == 202, answer.text
            return dict(answer.json())

        assert "no control worker" in str((await hint("too early"))["reason"])
        await ensure_schedules(temporal)
        schedule = temporal.get_schedule_handle(ids.RECONCILE_WORKFLOW)

        async def rounds() -> int:
            return (await schedule.describe()).info.num_actions

        try:
            before = await rounds()
            for number in range(5):
                assert (await hint(f"moved-{number}"))["looks"] is True

            async def looked() -> bool:
                return await rounds() > before

            await until(looked, 20)
            await schedule.pause(note="by an operator")
            paused = await hint("paused")
            assert (paused["looks"], "paused" in str(paused["reason"])) == (False, True)
        finally:
            await schedule.delete()
