"""How long is kept what grows with the requests. Verdicts, decisions and the ledger stay."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import BlobRef, Contract, Utc
from perennial.contracts.request_log import RequestLog
from perennial.contracts.spec_part import Duration, Environment

RETENTION_WORKFLOW = "Retention"


class Keep(Contract):
    """For how long.

    Attributes:
        profiles: of windows, with every column's bins, since they were judged.
        labels: since they came last; what rollouts have counted by them, since the requests.
        deliveries: of alerts that are closed, since they were sent or given up.
    """

    profiles: Duration = "400d"
    labels: Duration = "400d"
    deliveries: Duration = "90d"


class Sweep(Contract):
    """Remove what was kept for long enough.

    Attributes:
        effect: names the sweep.
        at: the moment that ages are counted to.
    """

    effect: str
    at: Utc


class Swept(Contract):
    """What was removed.

    Attributes:
        windows: whose profile and details are gone.
        bytes: of them.
        labels: rows.
        labelled: rows of what rollouts have counted by labels.
        deliveries: rows.
        days: of the log of requests, of models that nobody asks any more.
    """

    windows: int = 0
    bytes: int = Field(default=0, ge=0)
    labels: int = 0
    labelled: int = 0
    deliveries: int = 0
    days: int = 0

    @property
    def anything(self) -> bool:
        """Whether something was."""
        counts = self.windows, self.labels, self.labelled, self.deliveries, self.days
        return any(counts)


class RecordSweep(Contract):
    """Keep in the ledger what a sweep has removed, and by which times."""

    effect: str
    swept: Swept
    keep: Keep
    at: Utc


class OldWindow(NamedTuple):
    """A window whose blobs were kept for long enough."""

    model: str
    environment: Environment
    version: int
    start: Utc
    blobs: tuple[BlobRef, ...]


class Measurable(NamedTuple):
    """Which labels of a model windows may still be measured by.

    Attributes:
        since: of the requests, by watched environment; None where nothing was judged yet.
    """

    model: str
    since: dict[Environment, Utc | None]


class LoggedModel(NamedTuple):
    """A model and how long its requests are kept."""

    model: str
    log: RequestLog


@activity.defn(name="sweep_old")
async def sweep_old(input: Sweep) -> Swept:
    """Raises Unavailable where the blobs or the log do not answer, RecordsUnavailable."""
    raise NotImplementedError
