"""A policy as a whole: what it says of the champions, and OPA that answers by it at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from perennial import policy_bundle, policy_in_force
from tests.integration.api.desk import Desk

POLICIES = Path("policies")
LIMITS = "perennial/limits/data.json"


def files(**limits: str) -> dict[str, str]:
    """The product's own policies, with other words in their limits."""
    texts = {
        path.relative_to(POLICIES).as_posix(): path.read_text()
        for path in POLICIES.rglob("*")
        if path.is_file() and not path.name.endswith("_test.rego")
    }
    for old, new in limits.items():
        assert f'"{old}": ' in texts[LIMITS]
        texts[LIMITS] = texts[LIMITS].replace(f'"{old}": ', f'"{old}": {new}')
    return texts


STRICTER = files(min_test_rows="9999")


async def served(opa_url: str) -> str:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"{opa_url}/v1/data/perennial/bundle/digest")
    return str(answer.json()["result"])


@pytest.fixture
async def champion(desk: Desk, opa_url: str, state: Path) -> AsyncIterator[Desk]:
    """A model with a champion; the policies of the checkout are in force afterwards."""
    await desk.apply(environments=["production"])
    await desk.run()
    before = await served(opa_url)
    yield desk
    bundles = state / "policies"
    policy_in_force.put(policy_bundle.kept(bundles, before), bundles)
    async with asyncio.timeout(30):
        while await served(opa_url) != before:
            await asyncio.sleep(0.02)


def mine(desk: Desk, found: dict[str, Any]) -> list[dict[str, Any]]:
    return [flip for flip in found["flipped"] if flip["model"] == desk.model]


async def test_a_policy_is_tried_and_put_in_force(champion: Desk, opa_url: str) -> None:
    before = await served(opa_url)
    tried = await champion.post("/policies/check", {"policy": STRICTER})
    [flip] = mine(champion, tried)
    assert (flip["stored"]["outcome"], flip["now"]["outcome"]) == ("allow", "deny")
    assert "held-out rows are fewer than" in flip["now"]["reasons"][0]
    assert tried["asked"] + tried["unasked"] >= 1
    assert await served(opa_url) == before, "nothing has changed"

    ask = {"policy": STRICTER, "reason": "more rows"}
    applied = await champion.post("/policies/apply", ask, role="admin", key=champion.model)
    assert mine(champion, applied) == [flip]
    assert applied["replaced"] == before
    assert applied["wished"][champion.model].startswith("ask: the spec has no `retraining`")
    assert await served(opa_url) == applied["policy_digest"] == tried["policy_digest"]
    assert (await champion.run())["outcome"] == "denied", "it decides from now on"

    rows = await champion.whole_ledger()
    [row] = [row for row in rows if row["effect"] == f"policy/{champion.model}"]
    assert (row["kind"], row["actor"]) == ("policy.applied", "admin")
    assert (row["subject"], row["body"]["replaced"]) == (applied["policy_digest"], before)
    assert row["body"]["reason"] == "more rows"


@pytest.mark.parametrize(
    ("policy", "reason"),
    [
        (
            {"a.rego": "package perennial.promotion\n"},
            "asked about a promotion of which nothing is known, it should deny",
        ),
        (
            {
                **files(),
                "perennial/rollout/rollout.rego": "package perennial.rollout\n\n"
                'decision := {"allow": true, "deny": [], "approvals_required": 0,\n'
                '"approvals_missing": 0, "policy_digest": data.perennial.bundle.digest}\n',
            },
            "it allows a rollout of which nothing is known",
        ),
    ],
)
async def test_a_policy_that_leaves_something_open_is_refused(
    desk: Desk, opa_url: str, policy: dict[str, str], reason: str
) -> None:
    before = await served(opa_url)
    refused = await desk.post("/policies/apply", {"policy": policy}, 422, role="admin")
    assert refused["type"] == "urn:perennial:error:policy-invalid"
    assert reason in refused["detail"]
    assert await served(opa_url) == before


async def test_a_spec_that_asks_for_more_wishes_for_another_training(desk: Desk) -> None:
    production = {"environments": ["production"]}
    await desk.apply(**production)
    assert (await desk.run(0.8))["outcome"] == "promoted"
    await desk.apply(**production, description="in other words")
    assert (await desk.get(f"/models/{desk.model}/triggers"))["items"] == []
    thresholds = [{"metric": "roc_auc", "min": 0.9}]
    await desk.apply(**production, metrics={"primary": "roc_auc", "thresholds": thresholds})
    [wish] = (await desk.get(f"/models/{desk.model}/triggers"))["items"]
    assert (wish["cause"], wish["actor"], wish["decision"]) == ("policy", "engineer", "ask")
    assert wish["reason"].startswith("spec version 3 denies version 1 in production: "), wish
    assert "0.9" in wish["reason"]
    [champion] = (await desk.get(f"/models/{desk.model}/champions"))["champions"]
    assert champion["version"] == 1, "it stays"
