"""Schedules by which models are trained again: one in Temporal for each spec that names a time."""

from __future__ import annotations

from pydantic import Field
from temporalio import activity

from perennial.canonical import digest
from perennial.contracts.base import Contract
from perennial.contracts.spec import Source

DUE_WORKFLOW = "RetrainDue"
"""What such a schedule starts: it tells the model that its time has come."""
ACTOR = "schedule"
"""Who wishes then."""


class Due(Contract):
    """It is time to train a model again.

    Attributes:
        new_rows: only where its source has so many rows that are new; None: whatever has come.
        project: that reads the source; empty where nobody asks it.
        source: which is asked.
    """

    model: str
    new_rows: int | None = Field(default=None, ge=1)
    project: str = ""
    source: Source | None = None


class Timetable(Contract):
    """When a model is due, as its spec says."""

    expression: str
    due: Due

    @property
    def name(self) -> str:
        """By which a schedule is known to be this one: it carries that as its comment."""
        if self.due.new_rows is None:
            return self.expression
        return f"{self.expression}, new rows {digest(self.due)[:12]}"


class KeepSchedules(Contract):
    """Compare the schedules that there are with the specs that count, and put wishes again whose
    time has come."""


class SchedulesKept(Contract):
    """What was put right: models, by name.

    Attributes:
        wanted: how many specs name a time.
        asked_again: whose wish had to wait, and was put again.
    """

    wanted: int
    made: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    asked_again: tuple[str, ...] = ()


@activity.defn(name="keep_schedules")
async def keep_schedules(input: KeepSchedules) -> SchedulesKept:
    """Raises Unavailable where Temporal or the records do not answer."""
    raise NotImplementedError
