"""One town for the tests of worker processes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.servers import opa_server
from tests.workers.town import Town, founded


@pytest.fixture(scope="session")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an OPA with our policies."""
    with opa_server(Path("policies"), tmp_path_factory.mktemp("opa")) as url:
        yield url


@pytest.fixture
async def town(tmp_path_factory: pytest.TempPathFactory, judge: str) -> AsyncIterator[Town]:
    async with founded(tmp_path_factory.mktemp("town"), judge) as town:
        yield town
