"""What a worker shows to Prometheus, and what it does where it cannot."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest

from perennial.contracts.errors import BadInput
from tests.scraped import Scrape
from tests.servers import free_port
from workers.metrics import runtime, show_process


async def test_a_worker_shows_what_its_process_uses() -> None:
    at = f"127.0.0.1:{free_port()}"
    made = runtime(at)
    assert made
    showing = asyncio.create_task(show_process(made))
    async with httpx.AsyncClient() as client, asyncio.timeout(10):
        found = Scrape("")
        while "process_open_fds" not in found.names:
            await asyncio.sleep(0.01)
            found = Scrape((await client.get(f"http://{at}/metrics")).text)
    showing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await showing
    assert (found.value("process_resident_memory_bytes") or 0) > 1e7
    assert (found.value("process_cpu_seconds_total") or 0) > 0
    assert runtime(at) is None, "the next worker does its work, though this one's port is taken"


def test_a_worker_shows_nothing_unless_told_where() -> None:
    assert runtime("") is None


@pytest.mark.parametrize("address", ["9464", "localhost", "127.0.0.1:http", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_named(address: str) -> None:
    with pytest.raises(BadInput, match=f"PERENNIAL_WORKER_METRICS is '{address}'"):
        runtime(address)
