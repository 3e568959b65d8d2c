"""Hints from outside, of whom it is only believed that they come from whom they say.

MLflow signs its webhooks after Standard Webhooks, with names of its own: base64 of the HMAC-SHA256
of `<delivery id>.<timestamp>.<body>`, under the secret as it was typed in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from starlette.concurrency import run_in_threadpool
from temporalio.client import Client, ScheduleOverlapPolicy
from temporalio.service import RPCError, RPCStatusCode

from api.asking import answering
from api.db.engine import Database
from api.db.facts import hooks
from perennial.contracts import ids
from perennial.contracts.errors import NotAllowed, Refused

SIGNATURE = "X-MLflow-Signature"
DELIVERY = "X-MLflow-Delivery-Id"
TIMESTAMP = "X-MLflow-Timestamp"
TOLERANCE = 300
"""Seconds that a delivery may be old, or our clock behind the sender's."""


class Replayed(Refused):
    """A delivery that was taken before."""


@asynccontextmanager
async def taking(database: Database, delivery: str, now: datetime) -> AsyncIterator[None]:
    """Take a delivery, whichever process of the API it comes to; each is taken once.

    Should what follows fail, it may come again, as MLflow sends what was answered 503. Those that
    their timestamp would have refused by now are forgotten.

    Raises:
        Replayed: it was taken before.
        RecordsUnavailable: it cannot be known.
    """
    digest = hashlib.sha256(delivery.encode("utf-8", "surrogateescape")).hexdigest()

    def take() -> bool:
        with database.writing() as session:
            return hooks.take(session, digest, now, now - 2 * timedelta(seconds=TOLERANCE))

    def give_back() -> None:
        with database.writing() as session:
            hooks.give_back(session, digest)

    if not await run_in_threadpool(take):
        raise Replayed(f"delivery {delivery[:100]} was taken before; each is taken once")
    try:
        yield
    except BaseException:
        await run_in_threadpool(give_back)
        raise


def verified(headers: Mapping[str, str], body: bytes, secret: str, now: float) -> str:
    """The id of a delivery that MLflow has signed, and not long ago.

    Args:
        headers: of the request, whose names are found in any case.
        body: as it came.
        secret: that was given to MLflow with the webhook.
        now: seconds since 1970.

    Raises:
        NotAllowed: it is not signed, not by that secret, or too old.
    """
    missing = [name for name in (SIGNATURE, DELIVERY, TIMESTAMP) if not headers.get(name)]
    if missing:
        raise NotAllowed(
            f"this takes deliveries that MLflow has signed, and {', '.join(missing)} is missing; "
            f"give the webhook the secret of PERENNIAL_MLFLOW_WEBHOOK_SECRET"
        )
    delivery, timestamp = headers[DELIVERY], headers[TIMESTAMP]
    signed = f"{delivery}.{timestamp}.".encode("utf-8", "surrogateescape") + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    expected = "v1," + base64.b64encode(digest).decode()
    if not hmac.compare_digest(expected.encode(), headers[SIGNATURE].encode("utf-8", "replace")):
        raise NotAllowed(
            f"the signature of delivery {delivery[:100]} is not one of our secret; give MLflow's "
            f"webhook the secret of PERENNIAL_MLFLOW_WEBHOOK_SECRET"
        )
    # signed, so it is MLflow's: a number
    if not timestamp.isdecimal() or abs(now - int(timestamp)) > TOLERANCE:
        raise NotAllowed(
            f"delivery {delivery[:100]} says it is of {timestamp[:20]}, and it is {now:.0f} here; "
            f"{TOLERANCE} s may lie between: send it anew, or set the clocks"
        )
    return delivery


async def look_now(client: Client) -> str:
    """Have aliases compared now rather than within a minute; returns why not, or nothing.

    However many ask at once, one look follows the one that is under way.

    Raises:
        TemporalUnavailable: there was no answer.
    """
    handle = client.get_schedule_handle(ids.RECONCILE_WORKFLOW)
    async with answering(client, ""):
        try:
            if (await handle.describe()).schedule.state.paused:
                return f"an operator has paused the schedule {ids.RECONCILE_WORKFLOW}"
            await handle.trigger(overlap=ScheduleOverlapPolicy.BUFFER_ONE)
        except RPCError as error:
            if error.status != RPCStatusCode.NOT_FOUND:
                raise
            return "no control worker has run yet, which makes the schedule that looks"
    return ""
