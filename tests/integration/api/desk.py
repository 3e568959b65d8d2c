"""Somebody at a desk who speaks HTTP, with a model of their own for each test."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx

from perennial.sse import Event, parse
from tests.workflows.ml_double import Plan, PlannedML


class Desk:
    """Requests as each role, on one model."""

    def __init__(self, url: str, tokens: dict[str, str], ml: PlannedML) -> None:
        self.model = f"m-{uuid.uuid4().hex[:12]}"
        self.plan: Plan = ml.plan(self.model)
        self._clients = {
            role: httpx.AsyncClient(
                base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=60
            )
            for role, token in tokens.items()
        }

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def get(self, path: str, status: int = 200, role: str = "viewer") -> Any:
        answer = await self._clients[role].get(f"/v1{path}")
        assert answer.status_code == status, answer.text
        return answer.json()

    async def post(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        status: int = 200,
        role: str = "engineer",
        key: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        headers = {**(headers or {}), **({"Idempotency-Key": key} if key else {})}
        answer = await self._clients[role].post(f"/v1{path}", json=body or {}, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    def spec(self, **changes: Any) -> dict[str, Any]:
        """A spec that a score of 0.7 or more satisfies; low risk, so that nobody is asked."""
        return {
            "model": self.model,
            "project": "nowhere:Planned",
            "task": "binary",
            "source": {"uri": "rows"},
            "metrics": {"primary": "roc_auc", "thresholds": [{"metric": "roc_auc", "min": 0.7}]},
            "owners": ["engineer"],
            "risk_tier": "low",
            "patience": "1s",
            **changes,
        }

    async def apply(self, key: str | None = None, **changes: Any) -> Any:
        return await self.post("/models", self.spec(**changes), key=key)

    async def start(self, score: float = 0.8, **more: Any) -> str:
        body = {"params": {"score": score}}
        accepted = await self.post(f"/models/{self.model}/runs", body, 202, **more)
        return str(accepted["run_id"])

    async def events(self, run_id: str) -> list[Event]:
        """Everything that is told of a run until its end."""
        lines: list[str] = []
        path = f"/v1/runs/{run_id}/events"
        async with self._clients["viewer"].stream("GET", path) as answer:
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                lines.append(line)
        return [event for event in parse([*lines, ""]) if event.name != "ping"]

    async def ended(self, run_id: str) -> dict[str, Any]:
        """The detail of a run once it has ended."""
        async with asyncio.timeout(60):
            last = (await self.events(run_id))[-1]
        assert last.name == "end"
        return last.data

    async def run(self, score: float = 0.8, **more: Any) -> dict[str, Any]:
        return await self.ended(await self.start(score, **more))

    async def waits(self, run_id: str) -> dict[str, Any]:
        """The open question of a run, once there is one."""
        async with asyncio.timeout(60):
            while True:
                items = (await self.get(f"/approvals?status=open&run_id={run_id}"))["items"]
                if items:
                    return dict(items[0])
                await asyncio.sleep(0.1)

    async def ledger(self, kind: str) -> list[dict[str, Any]]:
        """Rows of this model of one kind."""
        rows = await self.whole_ledger()
        return [row for row in rows if (row["model"], row["kind"]) == (self.model, kind)]

    async def whole_ledger(self) -> list[dict[str, Any]]:
        """Every row."""
        rows: list[dict[str, Any]] = []
        after: int | None = 0
        while after is not None:
            page = await self.get(f"/ledger?after={after}&limit=200")
            rows += page["items"]
            after = page["next_after"]
        return rows
