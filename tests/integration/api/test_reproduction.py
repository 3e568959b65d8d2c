from __future__ import annotations

from tests.integration.api.desk import Desk


async def test_a_version_is_trained_again_once_for_each_request(desk: Desk) -> None:
    await desk.apply(environments=["production"])
    await desk.run(0.8)
    where = f"/models/{desk.model}/versions/1/reproduce"
    desk.plan.hold("inputs")
    ask = {"tolerance": 0, "reason": "audit"}
    accepted = await desk.post(where, ask, 202, key="k")
    await desk.plan.reached("inputs")
    assert (await desk.post(where, ask, 202, key="k"))["run_id"] == accepted["run_id"]
    assert (await desk.get(f"/models/{desk.model}"))["runs_under_way"] == [], "none waits for it"
    problem = await desk.post(where, {**ask, "tolerance": 0.1}, 409, key="k")
    assert problem["type"] == "urn:perennial:error:key-reused"
    desk.plan.release("inputs")
    end = await desk.ended(accepted["run_id"])
    assert (end["kind"], end["outcome"], end["version"]) == ("reproduction", "reproduced", 1)
    assert (end["asked_because"], end["overrides"]) == ("audit", {"tolerance": 0})
    assert [stage["stage"] for stage in end["stages"]] == ["inputs", "train", "evaluate", "compare"]
    assert end["stages"][-1]["detail"]["weights"]["identical"] is True
    assert await desk.post(where, ask, 202, key="k") == {**accepted, "status": "finished"}

    desk.plan.hold("train")
    other = await desk.post(where, {}, 202)
    await desk.plan.reached("train")
    await desk.post(f"/runs/{other['run_id']}/cancel", {"reason": "enough"}, 202)
    end = await desk.ended(other["run_id"])
    assert (end["outcome"], end["reason"]) == ("cancelled", "cancelled by engineer: enough")
    problem = await desk.post(f"/models/{desk.model}/versions/7/reproduce", {}, 404)
    assert "version 7" in problem["detail"]
