"""A process of the data plane follows the API for as long as its host has it answer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from api.app import create_app
from api.context import Context
from api.db.engine import Database
from api.db.tables import DataPlaneRow
from perennial.blobs import BlobStore
from perennial.contracts.errors import Unavailable
from perennial.contracts.serving import Deployments, Report
from perennial.settings import Settings
from serving.counting import Counting
from serving.desk import Desk
from serving.feed import Feed
from serving.limits import Limits
from serving.process import Process
from tests.served import served

AWAY = "http://127.0.0.1:1"


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Database]]:
    """The address of an API with empty records, which nobody is told yet."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", AWAY.removeprefix("http://"))
    context = Context.open(Settings(state_dir=tmp_path))
    monkeypatch.setenv("PERENNIAL_API_URL", AWAY)
    monkeypatch.setenv("PERENNIAL_TOKENS_FILE", str(context.settings.tokens))
    with served(create_app(context)) as url:
        yield url, context.store.database
    context.store.close()


def busiest(records: Database) -> float:
    with records.reading() as session:
        return max(session.exec(select(DataPlaneRow.busy)), default=0.0)


async def test_who_is_to_know_first_takes_no_request_before_the_api_has_spoken(
    api: tuple[str, Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, records = api
    process = Process(Limits(arriving=0), knows_first=True)
    asked, said = asyncio.Queue[dict[str, Any]](), asyncio.Queue[dict[str, Any]]()
    life = asyncio.create_task(process.app({"type": "lifespan"}, asked.get, said.put))
    await asked.put({"type": "lifespan.startup"})
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(said.get(), 1.5)  # it looks each second
    with pytest.raises(Unavailable, match="does not follow"):
        process.check()

    monkeypatch.setenv("PERENNIAL_API_URL", url)
    assert await asyncio.wait_for(said.get(), 30) == {"type": "lifespan.startup.complete"}
    process.check()

    # who has no room for a request is saturated, however idle it looks
    arriving = {"type": "http", "method": "POST", "path": "/", "headers": []}
    await process.app(arriving, asked.get, said.put)
    assert (await said.get())["status"] == 429
    async with asyncio.timeout(10):
        while await asyncio.to_thread(busiest, records) < 1:
            await asyncio.sleep(0.05)
    await said.get()

    await asked.put({"type": "lifespan.shutdown"})
    assert await asyncio.wait_for(said.get(), 30) == {"type": "lifespan.shutdown.complete"}
    await life
    with pytest.raises(Unavailable, match="does not follow"):
        process.check()


async def test_a_process_says_what_it_costs_also_when_it_leaves(
    api: tuple[str, Database], tmp_path: Path
) -> None:
    said: list[Report] = []

    def answer(request: httpx.Request) -> httpx.Response:
        said.append(Report.model_validate_json(request.content))
        nothing = Deployments(environment="production", deployments=())
        return httpx.Response(200, content=nothing.model_dump_json())

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        desk = Desk(BlobStore(f"file://{tmp_path / 'blobs'}"))
        feed = Feed(client, desk, Counting(), "production", "host-1")
        await feed.look()
        await feed.leave()
    first, last = said[0], said[-1]
    assert (first.leaving, last.leaving) == (False, True)
    assert min(first.memory_bytes, last.memory_bytes) > 2**20
    assert last.cpu_seconds >= first.cpu_seconds > 0


def test_an_older_process_says_nothing_of_what_it_costs() -> None:
    report = Report.model_validate_json('{"tallies": [], "busy": 0.5}')
    assert (report.memory_bytes, report.cpu_seconds) == (0, 0.0)
