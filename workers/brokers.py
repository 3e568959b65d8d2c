"""RabbitMQ and Kafka through FastStream: how messages come, are acknowledged, and put aside.

The one module that loads FastStream; only the process that listens to a bus imports it.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage
from faststream.middlewares import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue

from perennial.contracts.errors import BadInput

Message = StreamMessage[Any]
Take = Callable[[Message], Awaitable[None]]

GROUP = "perennial"
"""Processes of this Kafka group share the partitions of the topic."""
RECONNECT = 2.0
"""Seconds between two tries to find a RabbitMQ again that has gone away."""
ANSWER = 5.0
"""Seconds that a bus has to answer."""
AT_ONCE = 8
"""Messages of RabbitMQ that are taken side by side."""

_log = logging.getLogger(__name__)


class Broker(Protocol):
    """A bus, as it is listened to."""

    async def start(self) -> None:
        """Connect and listen; from then on a lost connection is found again by itself."""

    async def stop(self) -> None:
        """Listen no more. What is not acknowledged is delivered again."""

    async def answers(self) -> bool:
        """Whether it does, now."""

    async def put_aside(self, message: Message, reason: str) -> None:
        """Keep a message where it holds up no other, with the reason in its headers."""


def broker(url: str, queue: str, take: Take) -> Broker:
    """The bus of an address, not connected yet.

    Args:
        url: amqp://, amqps:// or kafka://.
        queue: queue or topic; what is put aside goes to `<queue>.dead`.
        take: is given each message, and acknowledges it.

    Raises:
        BadInput: it is no such address.
    """
    kind, _, rest = url.partition("://")
    if kind in ("amqp", "amqps") and rest:
        return _Rabbit(url, queue, take)
    if kind == "kafka" and rest.strip("/"):
        return _Kafka(rest.strip("/").split(","), queue, take)
    raise BadInput(
        f"PERENNIAL_BUS_URL begins with {kind[:20]!r}; it is amqp://user:password@host/ (or "
        f"amqps://) for RabbitMQ, kafka://host:port,host:port for Kafka"
    )


async def _whole(message: Message) -> Message:
    """Decodes nothing: what does not parse must reach us, or it would never be acknowledged."""
    return message


class _Rabbit:
    def __init__(self, url: str, queue: str, take: Take) -> None:
        self._dead = f"{queue}.dead"
        self._broker = RabbitBroker(
            url,
            apply_types=False,
            logger=_log,
            log_level=logging.DEBUG,
            reconnect_interval=RECONNECT,
            # or a message that finds no queue would be lost in silence
            default_channel=Channel(prefetch_count=AT_ONCE, on_return_raises=True),
        )
        listen = self._broker.subscriber(
            RabbitQueue(queue, durable=True), ack_policy=AckPolicy.MANUAL, no_reply=True
        )
        listen(take, decoder=_whole)

    async def start(self) -> None:
        await self._broker.connect()
        await self._broker.declare_queue(RabbitQueue(self._dead, durable=True))
        await self._broker.start()

    async def stop(self) -> None:
        await self._broker.stop()

    async def answers(self) -> bool:
        return await self._broker.ping(ANSWER)

    async def put_aside(self, message: Message, reason: str) -> None:
        await self._broker.publish(
            message.body,
            queue=self._dead,
            persist=True,
            headers={**message.headers, "perennial-reason": reason},
            content_type=message.content_type,
            message_id=message.message_id,
        )


class _Kafka:
    def __init__(self, servers: list[str], topic: str, take: Take) -> None:
        self._dead = f"{topic}.dead"
        self._broker = KafkaBroker(servers, apply_types=False, logger=_log, log_level=logging.DEBUG)
        listen = self._broker.subscriber(
            topic,
            group_id=GROUP,
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.MANUAL,
            no_reply=True,
        )
        listen(take, parser=_readable, decoder=_whole)

    async def start(self) -> None:
        await self._broker.start()

    async def stop(self) -> None:
        await self._broker.stop()

    async def answers(self) -> bool:
        return await self._broker.ping(ANSWER)

    async def put_aside(self, message: Message, reason: str) -> None:
        headers = {**message.headers, "perennial-reason": reason}
        # waits until the brokers have it
        await self._broker.publish(message.body, topic=self._dead, headers=headers)


async def _readable(record: Any, parse: Callable[[Any], Awaitable[Message]]) -> Message:
    """FastStream reads headers as UTF-8; one that is not would be skipped, and so lost."""
    headers = tuple(
        (name, (value or b"").decode("utf-8", "replace").encode()) for name, value in record.headers
    )
    return await parse(dataclasses.replace(record, headers=headers))
