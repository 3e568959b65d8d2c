"""The same on a real Kafka, which takes longer to start: `make check-kafka`, not the test run."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from temporalio.client import Client

from api.context import Context
from tests import kafka
from tests.gate import Gate
from tests.integration.api.courier import (
    Aside,
    Place,
    figures_are_shown,
    nothing_is_lost,
    poison_is_put_aside,
)
from tests.integration.api.desk import Desk
from tests.servers import free_port
from workers.brokers import GROUP


class Kafkas:
    """Sends to Kafka."""

    prefix = "ce_"

    def __init__(self, port: int, topic: str) -> None:
        self._server = f"127.0.0.1:{port}"
        self._topic = topic

    async def send(
        self, body: bytes, content_type: str = "", headers: dict[str, str] | None = None
    ) -> None:
        sent = {"content-type": content_type, **(headers or {})}
        async with AIOKafkaProducer(bootstrap_servers=self._server) as producer:
            await producer.send_and_wait(
                self._topic, body, headers=[(n, v.encode()) for n, v in sent.items()]
            )

    async def left(self) -> int:
        partition = TopicPartition(self._topic, 0)
        consumer = AIOKafkaConsumer(bootstrap_servers=self._server, group_id=GROUP)
        async with consumer:
            consumer.assign([partition])
            ends = await consumer.end_offsets([partition])
            return int(ends[partition]) - (await consumer.committed(partition) or 0)

    async def aside(self, count: int) -> list[Aside]:
        found: list[Aside] = []
        consumer = AIOKafkaConsumer(
            f"{self._topic}.dead", bootstrap_servers=self._server, auto_offset_reset="earliest"
        )
        async with consumer:
            async for message in consumer:
                reason = dict(message.headers)["perennial-reason"]
                found.append(Aside(message.value, reason.decode()))
                if len(found) == count:
                    break
        return found


@pytest.fixture(scope="module")
async def place(context: Context, temporal: Client) -> AsyncIterator[Place]:
    bus = Gate(free_port())
    with kafka.server(bus.port, bus.behind) as direct:
        target = temporal.service_client.config.target_host
        gate = Gate(int(target.rpartition(":")[2]))
        url = f"kafka://127.0.0.1:{bus.port}"
        settings = context.settings.model_copy(update={"bus_url": url})
        yield Place(settings, bus, gate, Kafkas(direct, settings.bus_queue))
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
