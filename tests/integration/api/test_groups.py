from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.integration.api.desk import Desk
from tests.workflows.ml_double import PlannedML


@pytest.fixture
async def desks(desk: Desk, url: str, tokens: dict[str, str], ml: PlannedML) -> AsyncIterator[Any]:
    """Two models with two versions each, the second of which is champion of production."""
    other = Desk(url, tokens, ml)
    for each in (desk, other):
        await each.apply(environments=["production"])
        for score in (0.8, 0.9):
            await each.run(score)
    yield desk, other
    await other.close()


async def shown(desk: Desk, group: str, status: str) -> dict[str, Any]:
    """A group once it stands so."""
    async with asyncio.timeout(60):
        while True:
            [newest] = (await desk.get(f"/runs?model={desk.model}&limit=1"))["items"]
            if newest["group_id"] == group:
                found: dict[str, Any] = await desk.get(f"/groups/{group}")
                if found["status"] == status:
                    return found
            await asyncio.sleep(0.1)


async def test_a_group_moves_and_goes_back_by_http(desks: tuple[Desk, Desk]) -> None:
    for desk in desks:
        await desk.post(f"/models/{desk.model}/rollback", {"environment": "production"})
    one, other = desks
    members = [{"model": desk.model, "version": 2} for desk in desks]
    body = {"environment": "production", "members": members, "reason": "one encoding"}
    key = one.model
    group = (await one.post("/groups", body, 202, key=key))["group_id"]
    assert (await one.post("/groups", body, 202, key=key))["group_id"] == group
    problem = await one.post("/groups", {**body, "reason": "another"}, 409, key=key)
    assert problem["type"] == "urn:perennial:error:key-reused"
    found = await shown(one, group, "promoted")
    assert {run["model"] for run in found["runs"]} == {one.model, other.model}
    back = f"/groups/{group}/rollback"
    answer = await one.post(back, {"reason": "alarms"}, key=f"{key}-back")
    assert {(each["version"], each["epoch"]) for each in answer["champions"]} == {(1, 5)}
    assert await one.post(back, {"reason": "alarms"}, key=f"{key}-back") == answer
    problem = await one.post(back, {}, 409)
    assert "somebody else moved it first" in problem["detail"]


async def test_what_is_no_group_is_refused(desk: Desk) -> None:
    twice = {"environment": "production", "members": [{"model": "a", "version": 1}] * 2}
    problem = await desk.post("/groups", twice, 422)
    assert "named twice" in problem["problems"][0]["expected"]
    nobody = [{"model": model, "version": 1} for model in ("nobody", "no-one")]
    await desk.post("/groups", {**twice, "members": nobody}, 404)
    await desk.get("/groups/g-0123456789", 404)
    problem = await desk.post("/groups/g-0123456789/rollback", {}, 404)
    assert "no group 'g-0123456789'" in problem["detail"]
