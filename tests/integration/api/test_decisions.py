from __future__ import annotations

from pathlib import Path

import httpx

from tests.integration.api.desk import Desk

NEVER = """\
package perennial.promotion

decision := {
	"allow": false,
	"deny": ["nothing is good enough"],
	"approvals_required": 0,
	"approvals_missing": 0,
	"policy_digest": data.perennial.bundle.digest,
}
"""


async def test_stored_questions_are_asked_again(desk: Desk) -> None:
    await desk.apply()
    await desk.run(0.8)
    await desk.run(0.4)
    decisions = (await desk.get(f"/decisions?model={desk.model}"))["items"]
    same = await desk.post("/decisions/replay", {"model": desk.model})
    agreed = {"asked": len(decisions), "agreed": len(decisions), "skipped": 0}
    assert same == {**agreed, "windows": 0, "flipped": []}

    allowed = {d["decision_id"] for d in decisions if d["outcome"] == "allow"}
    policy = {"perennial/promotion/promotion.rego": NEVER}
    other = await desk.post("/decisions/replay", {"model": desk.model, "policy": policy})
    assert other["asked"] == len(decisions)
    assert {flip["decision_id"] for flip in other["flipped"]} == allowed and allowed
    flip = other["flipped"][0]
    assert (flip["stored"]["outcome"], flip["now"]["outcome"]) == ("allow", "deny")
    assert flip["now"]["reasons"] == ["nothing is good enough"]
    assert flip["now"]["policy_digest"] != flip["stored"]["policy_digest"]


async def test_a_policy_that_is_kept_nowhere_is_skipped(desk: Desk, state: Path) -> None:
    await desk.apply(environments=["production"])
    await desk.run()
    (decision,) = (await desk.get(f"/decisions?model={desk.model}"))["items"]
    bundle = state / "policies" / f"{decision['policy_digest']}.tar.gz"
    away = bundle.rename(bundle.with_suffix(".away"))
    try:
        found = await desk.post("/decisions/replay", {"model": desk.model})
    finally:
        away.rename(bundle)
    assert found == {"asked": 0, "agreed": 0, "skipped": 1, "windows": 0, "flipped": []}


async def test_a_policy_that_does_not_compile(desk: Desk) -> None:
    problem = await desk.post("/decisions/replay", {"policy": {"a.rego": "package a\nx := "}}, 422)
    assert problem["type"] == "urn:perennial:error:policy-invalid"


async def test_what_is_ready_and_what_is_not(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/readyz")
    assert answer.status_code == 503
    found = {d["name"]: (d["ok"], d["detail"]) for d in answer.json()["dependencies"]}
    assert {name for name, (ok, _) in found.items() if ok} == {
        "records",
        "temporal",
        "opa",
        "workers",
    }
    assert found["workers"] == (True, "1 on perennial-control, 1 on perennial-ml")
