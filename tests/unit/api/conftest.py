"""The API on seeded records, with nothing beside it: Temporal, OPA, MLflow and Ray are away."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.context import Context
from perennial.settings import Settings
from tests.seeded import seed

AWAY = "127.0.0.1:1"

As = Callable[[str | None], httpx.AsyncClient]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.model_validate(
        {
            "state_dir": tmp_path_factory.mktemp("state"),
            "PERENNIAL_OPA_URL": f"http://{AWAY}",
            "MLFLOW_TRACKING_URI": f"http://{AWAY}",
            "RAY_ADDRESS": AWAY,
        }
    )


@pytest.fixture(scope="session")
def context(settings: Settings) -> Iterator[Context]:
    """Records that the tests only read."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", AWAY)
        context = Context.open(settings)
        seed(context.store)
        yield context
        context.store.close()


@pytest.fixture(scope="session")
async def app(context: Context) -> AsyncIterator[FastAPI]:
    app = create_app(context)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="session")
def tokens(context: Context) -> dict[str | None, str]:
    """The token of each role."""
    entries = json.loads(Path(context.settings.tokens).read_text())["tokens"]
    return {entry["role"]: entry["token"] for entry in entries}


@pytest.fixture(scope="session")
async def as_(app: FastAPI, tokens: dict[str | None, str]) -> AsyncIterator[As]:
    """A client of each role; of None, one without a token."""
    clients: dict[str | None, httpx.AsyncClient] = {}

    def client(role: str | None) -> httpx.AsyncClient:
        if role not in clients:
            headers = {"Authorization": f"Bearer {tokens[role]}"} if role else {}
            clients[role] = httpx.AsyncClient(
                transport=httpx.ASGITransport(app, raise_app_exceptions=False),
                base_url="http://api",
                headers=headers,
            )
        return clients[role]

    yield client
    for one in clients.values():
        await one.aclose()


@pytest.fixture
def viewer(as_: As) -> httpx.AsyncClient:
    return as_("viewer")


@pytest.fixture
def engineer(as_: As) -> httpx.AsyncClient:
    return as_("engineer")
