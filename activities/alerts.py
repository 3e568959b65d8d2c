"""Sends what is in the outbox of alerts. One that hangs holds up its own channel and no other."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from temporalio import activity

from activities.channels import Channel
from activities.sending import NotTaken, send
from perennial.contracts.alerts import DeliverAlerts, Delivered, Message
from perennial.contracts.errors import RecordsUnavailable
from perennial.contracts.store import AlertOutbox

_LOOK_SECONDS = 1.0
_AT_ONCE = 4
"""Messages to one channel at the same time."""


def _now() -> datetime:
    return datetime.now(UTC)


class AlertActivities:
    """The way of alerts to people."""

    def __init__(
        self,
        outbox: AlertOutbox,
        channels: Mapping[str, Channel],
        api_url: str,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        """Use `read_channels` for the channels.

        Args:
            outbox: what is to be sent.
            channels: where to, by name.
            api_url: of the API, for the links that people get.
            clock: what is due now.
        """
        self._outbox = outbox
        self._channels = channels
        self._api_url = api_url
        self._clock = clock

    @activity.defn(name="deliver_alerts")
    async def deliver_alerts(self, input: DeliverAlerts) -> Delivered:
        """Look each second for what is due, and send it, until the time is over.

        Several may do so at once. Ends early where this worker shuts down.

        Raises:
            RecordsUnavailable: the database is away; what was not marked is sent again.
        """
        over = time.monotonic() + input.seconds
        shutdown = asyncio.ensure_future(activity.wait_for_worker_shutdown())
        under_way: dict[str, asyncio.Task[Delivered]] = {}
        total = Delivered()
        try:
            while True:
                activity.heartbeat()
                for channel in await asyncio.to_thread(self._outbox.due_channels, self._clock()):
                    if channel not in under_way:
                        under_way[channel] = asyncio.create_task(self._empty(channel))
                left = over - time.monotonic()
                if left <= 0 or shutdown.done():
                    break
                await asyncio.wait({shutdown}, timeout=min(left, _LOOK_SECONDS))
                total = _sum(total, under_way)
            while under_way:
                activity.heartbeat()
                await asyncio.wait(under_way.values(), timeout=_LOOK_SECONDS)
                total = _sum(total, under_way)
            return total
        finally:
            shutdown.cancel()
            for task in under_way.values():
                task.cancel()

    async def _empty(self, channel: str) -> Delivered:
        """Send what is due to a channel, until nothing is or it takes nothing."""
        sent = 0
        try:
            while messages := await asyncio.to_thread(
                self._outbox.claim_messages, channel, self._clock(), _AT_ONCE
            ):
                taken = await asyncio.gather(*(self._send(message) for message in messages))
                sent += sum(taken)
                if not all(taken):
                    return Delivered(sent=sent, refused=len(taken) - sum(taken))
        except RecordsUnavailable as error:
            # whoever looks next hears of it too; what was sent and not marked is sent again
            logging.warning("alerts to %s: %s", channel, error.message)
        except Exception:
            # a fault of ours with one channel must not silence the others
            logging.exception("alerts to %s could not be sent", channel)
        return Delivered(sent=sent)

    async def _send(self, message: Message) -> bool:
        error = ""
        try:
            channel = self._channels.get(message.channel)
            if channel is None:
                raise NotTaken(
                    f"there is no channel {message.channel!r}: name it in the file of "
                    f"PERENNIAL_CHANNELS and start the control worker again"
                )
            await send(channel, message, self._api_url)
        except NotTaken as refused:
            error = str(refused)
            logging.warning(
                "alerts of %s to %s, attempt %d: %s",
                message.model,
                message.channel,
                message.attempt,
                error,
            )
        await asyncio.to_thread(self._outbox.mark_message, message.message_id, error, self._clock())
        return not error


def _sum(total: Delivered, under_way: dict[str, asyncio.Task[Delivered]]) -> Delivered:
    """Add what has ended, and forget it."""
    for channel, task in [*under_way.items()]:
        if task.done():
            one = under_way.pop(channel).result()
            total = Delivered(sent=total.sent + one.sent, refused=total.refused + one.refused)
    return total
