"""The API on a real socket, with real records, workflows, policy and Temporal behind it.

Only what happens inside torch, Ray and MLflow is planned (`tests.workflows.ml_double`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import Client

from api.app import create_app
from api.context import Context
from api.db.store import Store
from perennial.settings import Settings
from tests.integration.api.desk import Desk
from tests.served import served
from tests.servers import opa_server, program
from tests.workflows.conftest import channels, log, ml, temporal  # noqa: F401  (fixtures)
from tests.workflows.ml_double import PlannedML


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def opa_url(state: Path) -> Iterator[str]:
    with opa_server(Path("policies"), state / "policies") as url:
        yield url


@pytest.fixture(scope="session")
def context(state: Path, opa_url: str) -> Context:
    settings = Settings.model_validate(
        {
            "state_dir": state,
            "opa_binary": program("opa"),
            "PERENNIAL_OPA_URL": opa_url,
            "MLFLOW_TRACKING_URI": "http://127.0.0.1:1",
            "RAY_ADDRESS": "127.0.0.1:1",
            "mlflow_webhook_secret": "of the webhook",
        }
    )
    return Context.open(settings)


@pytest.fixture(scope="session")
def store(context: Context) -> Store:
    return context.store


@pytest.fixture(scope="session")
def url(context: Context, temporal: Client, ml: PlannedML) -> Iterator[str]:  # noqa: F811
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEMPORAL_ADDRESS", temporal.service_client.config.target_host)
        with served(create_app(context)) as url:
            yield url


@pytest.fixture(scope="session")
def tokens(context: Context) -> dict[str, str]:
    entries = json.loads(context.settings.tokens.read_text())["tokens"]
    return {entry["role"]: entry["token"] for entry in entries}


@pytest.fixture
async def desk(url: str, tokens: dict[str, str], ml: PlannedML):  # noqa: F811
    desk = Desk(url, tokens, ml)
    yield desk
    await desk.close()
