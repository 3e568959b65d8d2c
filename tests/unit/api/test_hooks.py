"""Webhooks of MLflow: who signed them, when, and whether they came before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import func
from sqlmodel import select

from api.app import create_app
from api.context import Context
from api.db.monitoring_tables import HookDeliveryRow
from api.hooks import TOLERANCE, Replayed, taking, verified
from perennial.settings import Settings
from tests.signing import ALIAS, HOOK, SECRET, signed

# made by MLflow 3.17's own: mlflow.webhooks.delivery._generate_hmac_signature
RECORDED = {
    "X-MLflow-Delivery-Id": "5f1c8f0e-8a52-4c3b-9d3f-0a5b6c7d8e9f",
    "X-MLflow-Timestamp": "1795860000",
    "X-MLflow-Signature": "v1,cAB/NNBa0C8klLxqjR0jYm9Z+BLAN5BySpQQJCNKkL4=",
}


@pytest.fixture(scope="module")
async def mlflow(settings: Settings, context: Context) -> AsyncIterator[httpx.AsyncClient]:
    """MLflow, as it calls an API that has its secret. Temporal is away there."""
    with_secret = settings.model_copy(update={"mlflow_webhook_secret": SecretStr(SECRET)})
    app = create_app(Context.open(with_secret))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api") as client,
    ):
        yield client


def test_what_mlflow_signs_is_what_is_verified() -> None:
    body = b'{"entity": "model_version_alias", "action": "created"}'
    assert verified(RECORDED, body, SECRET, 1795860000.5) == RECORDED["X-MLflow-Delivery-Id"]


@pytest.mark.parametrize(
    ("headers", "says"),
    [
        ({}, "X-MLflow-Signature, X-MLflow-Delivery-Id, X-MLflow-Timestamp is missing"),
        (signed() | {"X-MLflow-Signature": ""}, "X-MLflow-Signature is missing"),
        (signed(secret="another"), "is not one of our secret"),
        (signed(b"{}"), "is not one of our secret"),
        (signed() | {"X-MLflow-Delivery-Id": "d-2"}, "is not one of our secret"),
        (signed() | {"X-MLflow-Timestamp": "1"}, "is not one of our secret"),
        (signed() | {"X-MLflow-Signature": "v2,AAAA"}, "is not one of our secret"),
    ],
)
async def test_what_is_not_signed_by_our_secret_is_refused(
    mlflow: httpx.AsyncClient, headers: dict[str, str], says: str
) -> None:
    answer = await mlflow.post(HOOK, content=ALIAS, headers=headers)
    assert answer.status_code == 403
    assert says in answer.json()["detail"]


@pytest.mark.parametrize("age", [TOLERANCE + 5, -TOLERANCE - 5])
async def test_what_is_not_of_now_is_refused(mlflow: httpx.AsyncClient, age: float) -> None:
    answer = await mlflow.post(HOOK, content=ALIAS, headers=signed(age=age))
    assert answer.status_code == 403
    assert "may lie between" in answer.json()["detail"]


async def test_without_a_secret_nothing_is_listened_to(viewer: httpx.AsyncClient) -> None:
    answer = await viewer.post(HOOK, content=ALIAS, headers=signed(secret=""))
    assert answer.status_code == 404
    assert "set PERENNIAL_MLFLOW_WEBHOOK_SECRET" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("number", "body"),
    [(1, b'{"entity": "registered_model"}'), (2, b"[]"), (3, b"\xff"), (4, b"[" * 100_000)],
)
async def test_what_is_not_about_an_alias_asks_for_no_look(
    mlflow: httpx.AsyncClient, number: int, body: bytes
) -> None:
    headers = signed(body, delivery=f"other-{number}")
    first = await mlflow.post(HOOK, content=body, headers=headers)
    assert (first.status_code, first.json()["looks"]) == (202, False)
    again = await mlflow.post(HOOK, content=body, headers=headers)
    assert again.status_code == 409
    assert "taken before" in again.json()["detail"]


async def test_what_could_not_be_passed_on_may_come_again(mlflow: httpx.AsyncClient) -> None:
    headers = signed(delivery="tried-again")
    for _ in range(2):
        answer = await mlflow.post(HOOK, content=ALIAS, headers=headers)
        assert answer.status_code == 503, "Temporal is away, and MLflow tries 503 again"


async def test_what_one_process_has_taken_no_other_takes(
    mlflow: httpx.AsyncClient, settings: Settings
) -> None:
    body = b"{}"
    headers = signed(body, delivery="to-both")
    with_secret = settings.model_copy(update={"mlflow_webhook_secret": SecretStr(SECRET)})
    app = create_app(Context.open(with_secret))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as other,
    ):
        asked = [each.post(HOOK, content=body, headers=headers) for each in (mlflow, other) * 3]
        answers = await asyncio.gather(*asked)
    assert sorted(answer.status_code for answer in answers) == [202, 409, 409, 409, 409, 409]


async def test_deliveries_are_forgotten_once_their_time_refuses_them(context: Context) -> None:
    database, now = context.store.database, datetime.now(UTC)

    async def take(delivery: str, after: float = 0) -> None:
        async with taking(database, delivery, now + timedelta(seconds=after)):
            pass

    await take("a")
    with pytest.raises(Replayed):
        await take("a", after=2 * TOLERANCE)
    with pytest.raises(ZeroDivisionError):
        async with taking(database, "c", now):
            raise ZeroDivisionError
    await take("c")
    await take("b", after=2 * TOLERANCE + 1)
    with database.reading() as session:
        kept = session.exec(select(func.count()).select_from(HookDeliveryRow)).one()
    assert kept == 1, "a and c are forgotten"
