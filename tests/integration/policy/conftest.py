"""One OPA with the policies of the checkout, and records, for the tests of this folder."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from activities.policy import PolicyActivities
from api.db.store import Store
from perennial.policy_bundle import build
from tests.integration.policy.asking import POLICIES, Opa
from tests.servers import program


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(POLICIES, tmp_path_factory.mktemp("state") / "policies", program("opa"))


@pytest.fixture(scope="session")
def opa(bundle: Path) -> Iterator[Opa]:
    server = Opa(bundle)
    yield server
    server.kill()


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path_factory.mktemp('records') / 'records.db'}")
    yield opened
    opened.close()


@pytest.fixture
async def gate(opa: Opa, store: Store) -> AsyncIterator[PolicyActivities]:
    policy = PolicyActivities.connect(opa.url, store)
    yield policy
    await policy.close()
