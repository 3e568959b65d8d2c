"""A message bus asks for a model to be trained again: a real RabbitMQ, Temporal and API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aio_pika
import pytest
from temporalio.client import Client

from api.context import Context
from perennial import tracing
from tests import rabbitmq
from tests.gate import Gate
from tests.integration.api.courier import (
    Aside,
    Place,
    count,
    event,
    figures_are_shown,
    nothing_is_lost,
    poison_is_put_aside,
    send,
)
from tests.integration.api.desk import Desk
from tests.otlp import otlp_receiver


class Rabbits:
    """Sends to RabbitMQ."""

    prefix = "cloudEvents:"

    def __init__(self, port: int, queue: str) -> None:
        self._url = f"amqp://guest:guest@127.0.0.1:{port}/"
        self._queue = queue

    async def send(
        self, body: bytes, content_type: str = "", headers: dict[str, str] | None = None
    ) -> None:
        message = aio_pika.Message(
            body,
            content_type=content_type,
            headers=dict(headers or {}),
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        )
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel()
            await channel.declare_queue(self._queue, durable=True)
            await channel.default_exchange.publish(message, routing_key=self._queue)

    async def left(self) -> int:
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue(self._queue, durable=True)
            return queue.declaration_result.message_count or 0

    async def aside(self, count: int) -> list[Aside]:
        found: list[Aside] = []
        async with await aio_pika.connect(self._url) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue(f"{self._queue}.dead")
            async with queue.iterator(timeout=30) as messages:
                async for message in messages:
                    await message.ack()
                    found.append(Aside(message.body, str(message.headers["perennial-reason"])))
                    if len(found) == count:
                        return found
        raise AssertionError(f"only {found}")


@pytest.fixture(scope="module")
async def place(context: Context, temporal: Client) -> AsyncIterator[Place]:
    with rabbitmq.server() as port:
        target = temporal.service_client.config.target_host
        bus, gate = Gate(port), Gate(int(target.rpartition(":")[2]))
        url = f"amqp://guest:guest@127.0.0.1:{bus.port}/"
        settings = context.settings.model_copy(update={"bus_url": url})
        yield Place(settings, bus, gate, Rabbits(port, settings.bus_queue))
        bus.shut()
        gate.shut()


async def test_what_is_sent_while_both_are_away_is_heard_later_and_once(
    place: Place, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    await nothing_is_lost(place, desk, caplog)


async def test_what_never_becomes_a_wish_is_put_aside_and_holds_up_no_other(
    place: Place, desk: Desk
) -> None:
    await poison_is_put_aside(place, desk)


async def test_it_is_shown_what_becomes_of_messages_and_whether_the_bus_answers(
    place: Place, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await figures_are_shown(place, desk, monkeypatch)


async def test_a_wish_is_in_the_trace_of_its_event(
    place: Place, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.apply(environments=["development"])
    trace, parent = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
    with otlp_receiver() as received:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", received.url)
        ours = tracing.start("perennial-bus")
        assert ours is not None
        await place.bus.open()
        await place.temporal.open()
        async with await place.listening(interceptors=tracing.interceptors(ours)):
            traced = {"traceparent": f"00-{trace}-{parent}-01"}
            await send(place.courier, event(desk.model) | traced)
            await count(desk, 1)
        ours.close()
        name = "StartUpdateWithStartWorkflow:Model"
        span = received.wait_for(name)[name]
    assert (span.service, span.trace, span.parent) == ("perennial-bus", trace, parent)
