"""What the tests of the message bus share: a courier that sends, and what happens to messages."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

import httpx
import pytest
from temporalio.client import Client, Interceptor
from temporalio.runtime import Runtime

from perennial.plugin import PerennialPlugin
from perennial.settings import Settings
from tests.gate import Gate
from tests.integration.api.desk import Desk
from tests.scraped import Scrape
from tests.servers import free_port
from tests.workflows.waiting import until
from workers import brokers, bus
from workers.bus import Bus, listening
from workers.bus_figures import CONNECTED, MESSAGES, BusFigures
from workers.metrics import runtime


@dataclass
class Aside:
    """A message that was put aside."""

    body: bytes
    reason: str


class Courier(Protocol):
    """Sends to a bus, straight, and reads what was put aside."""

    prefix: str
    """Of the headers that are attributes of an event."""

    async def send(
        self, body: bytes, content_type: str = "", headers: dict[str, str] | None = None
    ) -> None: ...

    async def left(self) -> int:
        """Messages that nobody has acknowledged."""

    async def aside(self, count: int) -> list[Aside]: ...


@dataclass
class Place:
    """A bus behind a gate, Temporal behind another, and who listens through both."""

    settings: Settings
    bus: Gate
    temporal: Gate
    courier: Courier

    async def listening(
        self, shown: Runtime | None = None, interceptors: Sequence[Interceptor] = ()
    ) -> AbstractAsyncContextManager[Bus]:
        """A listener as its process makes it."""
        client = await Client.connect(
            f"127.0.0.1:{self.temporal.port}",
            plugins=[PerennialPlugin()],
            interceptors=interceptors,
            lazy=True,
        )
        return listening(client, self.settings, BusFigures(shown))


def event(model: str, id: str = "", **data: Any) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id or uuid.uuid4().hex,
        "source": "/lake",
        "type": "dev.perennial.data.arrived",
        "subject": model,
        "data": data,
    }


async def send(courier: Courier, said: dict[str, Any]) -> None:
    await courier.send(json.dumps(said).encode(), "application/cloudevents+json")


async def heard(desk: Desk) -> list[dict[str, Any]]:
    """The wishes of the desk's model, newest first."""
    items: list[dict[str, Any]] = (await desk.get(f"/models/{desk.model}/triggers"))["items"]
    return items


async def count(desk: Desk, wanted: int) -> list[dict[str, Any]]:
    """The wishes, once there are so many."""

    async def there() -> bool:
        return len(await heard(desk)) >= wanted

    await until(there, 60)
    return await heard(desk)


async def nothing_is_lost(place: Place, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Sent while both are away, and again: heard later, and once."""
    await desk.apply(environments=["development"], retraining={})
    courier = place.courier
    first = event(desk.model, "first", snapshot="2013-04", reason="April is complete")
    await send(courier, first)
    async with await place.listening() as bus:
        await until(lambda: "the bus does not answer" in caplog.text)
        await place.bus.open()
        await asyncio.wait_for(bus.connected.wait(), 60)
        await until(lambda: "waits: Temporal does not answer" in caplog.text)
    assert await heard(desk) == []
    assert await courier.left() == 1, "whoever listens next is given it"

    async with await place.listening() as bus:
        await place.temporal.open()
        await asyncio.wait_for(bus.connected.wait(), 60)
        await send(courier, first)
        [wish] = await count(desk, 1)
        assert (wish["cause"], wish["actor"], wish["decision"]) == ("message", "bus", "allow")
        assert wish["reason"] == "April is complete (event first of /lake)"

        place.bus.shut()
        await send(courier, first)
        await send(courier, event(desk.model, "second", snapshot="2013-05"))
        await place.bus.open()
        assert len(await count(desk, 2)) == 2
    assert await courier.left() == 0
    assert (await desk.ended(wish["run_id"]))["outcome"] == "promoted"


async def poison_is_put_aside(place: Place, desk: Desk) -> None:
    """Three that never become a wish, before one that does."""
    await desk.apply(environments=["development"], retraining={})
    courier = place.courier
    async with await place.listening() as bus:
        await place.bus.open()
        await place.temporal.open()
        await asyncio.wait_for(bus.connected.wait(), 60)
        await courier.send(b"\xff no event", "application/json")
        await send(courier, event("nobody-has-this"))
        await send(courier, event(desk.model, partition="2013-04"))
        attributes = event(desk.model)
        del attributes["data"]
        headers = {f"{courier.prefix}{name}": value for name, value in attributes.items()}
        await courier.send(b'{"snapshot": "2013-06"}', "application/json", headers)
        [wish] = await count(desk, 1)
        aside = await courier.aside(3)
    assert wish["decision"] == "allow"
    await desk.ended(wish["run_id"])
    reasons = sorted(each.reason for each in aside)
    for reason, says in zip(
        reasons,
        ("it is no event dev.perennial.data.arrived: data.partition", "it is not JSON", "there is"),
        strict=True,
    ):
        assert reason.startswith(says), reason
    assert b"\xff no event" in {each.body for each in aside}


async def figures_are_shown(place: Place, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What becomes of messages, and whether the bus answers."""
    monkeypatch.setattr(bus, "LOOK", 0.1)
    monkeypatch.setattr(brokers, "ANSWER", 0.5)
    await desk.apply(environments=["development"])
    at = f"127.0.0.1:{free_port()}"

    def figures() -> tuple[float | None, dict[str, float | None]]:
        found = Scrape(httpx.get(f"http://{at}/metrics").text)
        messages = f"{MESSAGES}_total"
        became = found.labels(messages, "became")
        return found.value(CONNECTED), {
            each: found.value(messages, became=each) for each in sorted(became)
        }

    courier = place.courier
    counts = {"given_back": 0.0, "put_aside": 0.0, "wished": 0.0}
    place.bus.shut()
    await place.temporal.open()
    shown = runtime(at)  # for as long as it is kept
    async with await place.listening(shown):
        await until(lambda: figures() == (0, counts))
        await place.bus.open()
        await until(lambda: figures() == (1, counts))
        await courier.send(b"no event", "application/json")
        await send(courier, event(desk.model))
        counts |= {"put_aside": 1, "wished": 1}
        await until(lambda: figures() == (1, counts))
        place.bus.shut()
        await until(lambda: figures() == (0, counts))
        await place.bus.open()
        await until(lambda: figures() == (1, counts))
