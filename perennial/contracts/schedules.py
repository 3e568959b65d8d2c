"""Schedules by which models are trained again: one in Temporal for each spec that names a time."""

from __future__ import annotations

from temporalio import activity

from perennial.contracts.base import Contract

DUE_WORKFLOW = "RetrainDue"
"""What such a schedule starts: it tells the model that its time has come."""


class Due(Contract):
    """It is time to train a model again."""

    model: str


class KeepSchedules(Contract):
    """Compare the schedules that there are with the specs that count."""


class SchedulesKept(Contract):
    """What was put right: models, by name.

    Attributes:
        wanted: how many specs name a time.
    """

    wanted: int
    made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@activity.defn(name="keep_schedules")
async def keep_schedules(input: KeepSchedules) -> SchedulesKept:
    """Raises Unavailable where Temporal or the records do not answer."""
    raise NotImplementedError
