"""A process of the data plane follows the API for as long as its host has it answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.context import Context
from perennial.contracts.errors import Unavailable
from perennial.settings import Settings
from serving.limits import Limits
from serving.process import Process
from tests.served import served

AWAY = "http://127.0.0.1:1"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an API with empty records, which nobody is told yet."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", AWAY.removeprefix("http://"))
    context = Context.open(Settings(state_dir=tmp_path))
    monkeypatch.setenv("PERENNIAL_API_URL", AWAY)
    monkeypatch.setenv("PERENNIAL_TOKENS_FILE", str(context.settings.tokens))
    with served(create_app(context)) as url:
        yield url
    context.store.close()


async def test_who_is_to_know_first_takes_no_request_before_the_api_has_spoken(
    api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process(Limits(), knows_first=True)
    asked, said = asyncio.Queue[dict[str, Any]](), asyncio.Queue[dict[str, Any]]()
    life = asyncio.create_task(process.app({"type": "lifespan"}, asked.get, said.put))
    await asked.put({"type": "lifespan.startup"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(said.get(), 1.5)  # it looks each second
    with pytest.raises(Unavailable, match="does not follow"):
        process.check()

    monkeypatch.setenv("PERENNIAL_API_URL", api)
    assert await asyncio.wait_for(said.get(), 30) == {"type": "lifespan.startup.complete"}
    process.check()

    await asked.put({"type": "lifespan.shutdown"})
    assert await asyncio.wait_for(said.get(), 30) == {"type": "lifespan.shutdown.complete"}
    await life
    with pytest.raises(Unavailable, match="does not follow"):
        process.check()
