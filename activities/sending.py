"""One message to one channel: taken, or an error that names no address."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime

import aiohttp
from standardwebhooks.webhooks import Webhook

from activities.channels import Channel, load_apprise
from perennial.contracts.alert_plan import rank
from perennial.contracts.alerts import Message, Told
from perennial.contracts.base import Json

SECONDS = 10.0
"""How long a receiver may take. Less than the lease of a message, so that nobody sends it too."""

_SIGNS = {"low": "info", "high": "warning", "critical": "failure"}


class NotTaken(Exception):
    """The receiver did not take it; the message says why, without its address."""


async def send(channel: Channel, message: Message, api_url: str) -> None:
    """Send a message.

    Raises:
        NotTaken: it is to be sent again.
    """
    try:
        async with asyncio.timeout(SECONDS):
            if channel.webhook is not None and channel.secret is not None:
                await _post(
                    channel.webhook.get_secret_value(),
                    channel.secret.get_secret_value(),
                    message,
                    api_url,
                )
            else:
                urls = [url.get_secret_value() for url in channel.apprise]
                await _in_daemon(lambda: _notify(urls, message, api_url))
    except TimeoutError:
        raise NotTaken(f"it did not answer within {SECONDS:g} s") from None


def document(message: Message, api_url: str) -> Json:
    """What a webhook is sent: the same at each attempt, but for what the alerts have become."""
    return {
        "type": "alerts",
        "timestamp": max(alert.last_at for alert in message.alerts).isoformat(),
        "data": {
            "model": message.model,
            "owners": list(message.owners),
            "alerts": [
                {**alert.model_dump(mode="json"), "links": _links(alert, api_url)}
                for alert in message.alerts
            ],
        },
    }


def words(message: Message, api_url: str) -> tuple[str, str]:
    """Title and text for people."""
    worst = severity(message)
    first = message.alerts[0]
    what = _line(first.title) if len(message.alerts) == 1 else f"{len(message.alerts)} alerts"
    return (
        f"{message.model}: {worst}: {what}",
        "\n\n".join(_paragraph(alert, message, api_url) for alert in message.alerts),
    )


def severity(message: Message) -> str:
    """Of the most severe alert of a message."""
    return max((alert.severity for alert in message.alerts), key=rank)


def _paragraph(alert: Told, message: Message, api_url: str) -> str:
    where = f" in {alert.environment}" if alert.environment else ""
    lines = [f"[{alert.severity}] {message.model}{where}, {alert.kind}: {_line(alert.title)}"]
    if alert.body:
        lines.append(alert.body)
    if alert.raised > 1:
        lines.append(f"raised {alert.raised} times since {alert.first_at:%Y-%m-%d %H:%M} UTC")
    if alert.cause == "escalated":
        lines.append(f"nobody has acknowledged it; owners: {', '.join(message.owners)}")
    lines += [f"{name}: {url}" for name, url in _links(alert, api_url).items()]
    lines.append(f"perennial alerts ack {alert.alert_id}")
    return "\n".join(lines)


def _links(alert: Told, api_url: str) -> dict[str, str]:
    base = api_url.rstrip("/")
    own = {"alert": f"/v1/alerts/{alert.alert_id}"} | alert.links
    return {name: base + url if url.startswith("/") else url for name, url in own.items()}


def _line(text: str) -> str:
    """On one line: a title becomes the subject of a mail."""
    return " ".join(text.split())


async def _post(url: str, secret: str, message: Message, api_url: str) -> None:
    body = json.dumps(document(message, api_url), ensure_ascii=False, separators=(",", ":"))
    now = datetime.now(UTC)
    headers = {
        "content-type": "application/json",
        "user-agent": "perennial",
        "webhook-id": message.message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message.message_id, now, body),
    }
    try:
        # a session for each: messages are few, and a receiver's cookies are none of ours
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body.encode(), headers=headers, allow_redirects=False) as answer,
        ):
            status = answer.status
    except (aiohttp.ClientError, OSError, ValueError) as error:
        # a host that no resolver can read is a ValueError
        raise NotTaken(f"it cannot be reached ({type(error).__name__})") from None
    if not 200 <= status < 300:
        raise NotTaken(f"it answered HTTP {status}")


def _notify(urls: list[str], message: Message, api_url: str) -> None:
    apprise = load_apprise()
    told = apprise.Apprise()
    told.add(urls)
    title, body = words(message, api_url)
    sign = _SIGNS[severity(message)]
    if not told.notify(title=title, body=body, notify_type=sign, body_format="text"):
        raise NotTaken("Apprise could not send it to each of its addresses")


async def _in_daemon(work: Callable[[], None]) -> None:
    """Run blocking work in a thread of its own: one that hangs takes none from the others."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def run() -> None:
        error: Exception | None = None
        try:
            work()
        except NotTaken as refused:
            error = refused
        except Exception as fault:
            # a plugin's own fault; its words may hold an address
            error = NotTaken(f"Apprise failed ({type(fault).__name__})")
        # the loop is closed where the process ends meanwhile
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, error)

    threading.Thread(target=run, name="apprise", daemon=True).start()
    await done
