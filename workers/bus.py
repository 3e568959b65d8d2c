"""Listens to a message bus: an event that rows have arrived becomes a wish to train again.

A message is acknowledged once its wish is recorded. One that comes again has the id of the first,
and is heard once. One that can never become a wish is put aside with the reason, so that it holds
up no other; while Temporal or the records are away, messages are held, and the bus has them still.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from temporalio.client import Client

from api.db.store import Store
from api.wishes import wish
from perennial import tracing
from perennial.contracts.errors import PerennialError, Unavailable
from perennial.contracts.triggers import TriggerRecorded
from perennial.settings import Settings
from workers import cloud_events
from workers.brokers import Broker, Message, broker
from workers.bus_figures import BusFigures

ACTOR = "bus"
FIRST, LONGEST = 1.0, 30.0
"""Seconds between two tries, doubled after each of them."""
HELD = 120.0
"""Seconds that a message is held before the bus is given it back, which delivers it again: Kafka
takes a listener for dead after five minutes, RabbitMQ after half an hour."""
LOOK = 5.0
"""Seconds between two looks whether the bus answers."""
_UNEXPECTED = 3

_log = logging.getLogger(__name__)


@asynccontextmanager
async def listening(client: Client, settings: Settings, figures: BusFigures) -> AsyncIterator[Bus]:
    """Listen for as long as it is open, once the bus is there.

    Raises:
        BadInput: the address is none of a bus.
    """
    store = Store.open(settings.database)
    try:
        bus = Bus(client, store, settings, figures)
        task = asyncio.create_task(bus.listen())
        try:
            yield bus
        finally:
            await bus.stop()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
    finally:
        store.close()


class Bus:
    """One bus and what becomes of its messages."""

    def __init__(
        self, client: Client, store: Store, settings: Settings, figures: BusFigures
    ) -> None:
        self._client = client
        self._figures = figures
        self._store = store
        self._settings = settings
        self._stopping = asyncio.Event()
        self._broker = self._new_broker()
        self.connected = asyncio.Event()
        """Set once messages are delivered."""

    async def listen(self) -> None:
        """Connect, again and again until the bus is there; from then on it reconnects itself.

        Whether it answers is shown for as long as this one listens.
        """
        pause = FIRST
        while not self._stopping.is_set():
            try:
                await self._broker.start()
            except Exception as error:
                _log.warning(
                    "the bus does not answer (%s: %s); tried again in %g s",
                    type(error).__name__,
                    error,
                    pause,
                )
                with suppress(Exception):
                    await self._broker.stop()
                await self._pause(pause)
                pause = min(pause * 2, LONGEST)
                self._broker = self._new_broker()
            else:
                _log.info("listening to %s", self._settings.bus_queue)
                self.connected.set()
                break
        while not self._stopping.is_set():
            self._figures.connected(await self._answers())
            await self._pause(LOOK)

    async def _answers(self) -> bool:
        with suppress(Exception):  # of whichever library
            return await self._broker.answers()
        return False

    async def stop(self) -> None:
        """Finish what is in flight, as far as that is quick."""
        self._stopping.set()
        with suppress(Exception):
            await self._broker.stop()

    async def take(self, message: Message) -> None:
        """Make a wish of a message and acknowledge it, or put it aside, or give it back."""
        try:
            await self._take(message)
        except Exception:
            # nothing was acknowledged: it comes again, and has one effect
            _log.exception("message %s is delivered again", message.message_id)
            await self._pause(FIRST)
            with suppress(Exception):
                await self._give_back(message)

    async def _take(self, message: Message) -> None:
        try:
            event = cloud_events.read(message.headers, message.content_type, message.body)
        except cloud_events.EventInvalid as error:
            await self._put_aside(message, error.message)
            return
        pause, until, unexpected = FIRST, time.monotonic() + HELD, 0
        while True:
            try:
                recorded = await self._wish(event)
            except Unavailable as error:
                why = error.message
            except PerennialError as error:
                await self._put_aside(message, error.message)
                return
            except Exception as error:
                # not ours: perhaps a passing fault, perhaps a bug
                why = f"{type(error).__name__}: {error}"
                unexpected += 1
                if unexpected >= _UNEXPECTED:
                    await self._put_aside(message, why)
                    return
            else:
                await message.ack()
                self._figures.became("wished")
                governed = recorded.governed
                _log.info("%s of %s: %s", event.reason, event.subject, governed.reason)
                return
            _log.warning("%s waits: %s", event.reason, why)
            if self._stopping.is_set() or time.monotonic() + pause > until:
                await self._give_back(message)
                return
            await self._pause(pause)
            pause = min(pause * 2, LONGEST)

    async def _wish(self, event: cloud_events.Event) -> TriggerRecorded:
        with tracing.within(event.traceparent):
            return await wish(
                self._client,
                self._store.database,
                event.subject,
                request_id=event.request_id,
                actor=ACTOR,
                cause="message",
                snapshot=event.data.snapshot,
                reason=event.reason,
            )

    async def _put_aside(self, message: Message, reason: str) -> None:
        _log.error("message %s is put aside: %s", message.message_id, reason)
        # header values are kept short by some buses
        await self._broker.put_aside(message, reason[:1000])
        self._figures.became("put_aside")
        await message.ack()

    async def _give_back(self, message: Message) -> None:
        await message.nack()
        self._figures.became("given_back")

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    def _new_broker(self) -> Broker:
        return broker(self._settings.bus_url, self._settings.bus_queue, self.take)
