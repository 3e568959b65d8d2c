"""Labels that come while a version is rolled out, or soon after: found, and counted by variant."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from temporalio import activity

from perennial.contracts.base import Contract, Utc
from perennial.contracts.records import Done
from perennial.contracts.spec_part import Environment

LABELLING_WORKFLOW = "Labelling"


class CountLabelled(Contract):
    """Look for the requests of labels, and count them by the variant that answered.

    Attributes:
        since_epoch: of the deployment; requests of earlier ones do not count.
        since: labels that came before this moment are of earlier requests.
        tolerance: of a model that predicts numbers: an answer that is off by more is wrong.
    """

    model: str
    environment: Environment
    since_epoch: int
    since: Utc
    tolerance: float | None = None


class Labelling(Contract):
    """What the counting starts with.

    Attributes:
        every: how often it is counted.
    """

    count: CountLabelled
    every: str


class LabelledHour(NamedTuple):
    """An hour of requests that have labels. Where it is the same again, so are the counts.

    Attributes:
        start: of the hour.
        labels: of its requests, found so far.
        changes: how often labels of its requests became others.
    """

    start: datetime
    labels: int
    changes: int


@activity.defn(name="count_labelled")
async def count_labelled(input: CountLabelled) -> Done:
    """Asked again it counts the same. Raises Unavailable where the log cannot be read."""
    raise NotImplementedError
