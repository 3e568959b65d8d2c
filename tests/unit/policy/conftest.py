from __future__ import annotations

from pathlib import Path

import pytest

from perennial.policy_bundle import build
from tests.servers import program

POLICIES = Path(__file__).parents[3] / "policies"


@pytest.fixture(scope="session")
def opa() -> str:
    return program("opa")


@pytest.fixture(scope="session")
def bundle(opa: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The product's own policies."""
    return build(POLICIES, tmp_path_factory.mktemp("bundles"), opa)
