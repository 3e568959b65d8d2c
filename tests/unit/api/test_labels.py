"""Labels through the door that pipelines use."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from fastapi import FastAPI

from api.app import create_app
from api.context import Context
from perennial.contracts.monitoring_plan import MonitoringPlan, QualityPlan
from perennial.contracts.request_log import RequestLog
from perennial.settings import Settings
from tests.seeded import seed

AT = "2026-03-01T12:00:00Z"
LABELS = "/v1/models/flights/labels"


@pytest.fixture(scope="module")
async def engineer(
    settings: Settings, tokens: dict[str | None, str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[httpx.AsyncClient]:
    """On records of its own: the others are only read."""
    url = f"sqlite:///{tmp_path_factory.mktemp('labels') / 'records.db'}"
    own = settings.model_copy(update={"database_url": url})
    context = Context.open(own)
    seed(context.store)
    app: FastAPI = create_app(context)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url="http://api",
            headers={"Authorization": f"Bearer {tokens['engineer']}"},
        ) as client,
    ):
        yield client


def label(request_id: str = "a", value: Any = True, **more: Any) -> dict[str, Any]:
    return {"request_id": request_id, "value": value, "at": AT, **more}


async def send(client: httpx.AsyncClient, *labels: Any) -> httpx.Response:
    return await client.post(LABELS, json={"labels": list(labels)})


async def test_labels_are_kept_once_and_counted(engineer: httpx.AsyncClient) -> None:
    empty = (await engineer.get(LABELS)).json()
    nothing = {"waiting": 0, "joined": 0, "given_up": 0, "changed": 0, "newest": None}
    assert empty == nothing | {"table": None}
    entity = {"entity": "c-17", "asked_at": "2026-02-26T08:15:00Z", "value": "late", "at": AT}
    answer = await send(engineer, label(), label("b", 0.5, row=3), entity)
    assert (answer.status_code, answer.json()) == (200, {"new": 3, "repeated": 0, "changed": 0})
    again = await send(engineer, label(), label("b", 0.25, row=3), label("b", 0.5), entity)
    assert again.json() == {"new": 1, "repeated": 2, "changed": 1}
    counts = (await engineer.get(LABELS)).json()
    assert (counts["waiting"], counts["changed"]) == (4, 1)
    newest = datetime.fromisoformat(counts["newest"])
    assert datetime.now(UTC) - newest < timedelta(minutes=1)


FUTURE = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
SOON = (datetime.now(UTC) + timedelta(minutes=2)).isoformat()


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"at": FUTURE}, "at", "in the future"),
        ({"asked_at": FUTURE}, "asked_at", "in the future"),
        ({"at": "1969-12-31T23:00:00Z"}, "at", "1970"),
        ({"asked_at": "2026-03-01T12:06:00Z"}, "", "known before it was asked"),
        ({"at": 1772366400}, "at", "written like"),
        ({"at": "2026-03-01T12:00:00"}, "at", "timezone"),
        ({"row": -1}, "row", "greater than or equal to 0"),
        ({"row": "1"}, "row", "valid integer"),
        ({"value": [1]}, "value", "valid"),
        ({"request_id": ""}, "request_id", "at least 1 character"),
        ({"entity": "c"}, "", "one of both"),
        ({"reqest": "a"}, "reqest", "not permitted"),
    ],
)
async def test_a_bad_label_is_named_by_its_place(
    engineer: httpx.AsyncClient, wrong: dict[str, Any], field: str, said: str
) -> None:
    before = (await engineer.get(LABELS)).json()
    answer = await send(engineer, label("good", at=SOON), label() | wrong)
    assert answer.status_code == 422
    problems = answer.json()["problems"]
    place = f"body.labels[1].{field}" if field else "body.labels[1]"
    assert all(problem["field"].startswith(place) for problem in problems)
    assert any(said in problem["expected"] for problem in problems), problems
    assert (await engineer.get(LABELS)).json() == before, "all of them, or none"


async def test_ten_thousand_and_no_more(engineer: httpx.AsyncClient) -> None:
    many = [{"request_id": f"r{number:06}", "value": True, "at": AT} for number in range(10_001)]
    assert (await send(engineer, *many[1:])).json()["new"] == 10_000
    (problem,) = (await send(engineer, *many)).json()["problems"]
    assert problem["field"] == "body.labels" and "these are 10,001" in problem["expected"]
    assert (await send(engineer)).status_code == 422
    answer = await send(engineer, *({"value": True} for _ in range(500)))
    assert len(answer.json()["problems"]) == 20 and "more" in answer.json()["detail"]


async def test_the_labels_of_the_guide(engineer: httpx.AsyncClient) -> None:
    guide = Path("docs/guides/late-labels.md").read_text()
    (block,) = re.findall(r"^```json\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    plan, table = re.findall(r"^```yaml\n(.*?)^```", guide, re.DOTALL | re.MULTILINE)
    written = yaml.safe_load(plan)
    assert QualityPlan.model_validate(written["monitoring"]["quality"]).groups == ("origin",)
    assert RequestLog.model_validate(written["request_log"]).keep == "60d"
    monitoring = MonitoringPlan.model_validate(yaml.safe_load(table)["monitoring"])
    assert monitoring.labels is not None and monitoring.labels.columns.value == "late"
    assert (await engineer.post(LABELS, json=json.loads(block))).json()["new"] == 2


async def test_a_model_that_is_none(engineer: httpx.AsyncClient) -> None:
    where = "/v1/models/flihgts/labels"
    assert (await engineer.post(where, json={"labels": [label()]})).status_code == 404
    assert (await engineer.get(where)).status_code == 404
