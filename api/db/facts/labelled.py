"""Labelled requests of rollouts: a view, which is counted anew whenever labels have come."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete
from sqlmodel import Session, col, select

from api.db.monitoring_tables import LabelledRow, LabelRow
from api.db.tables import ModelRow
from perennial.contracts.deployments import ReadServing
from perennial.contracts.labelling import CountLabelled, LabelledHour
from perennial.contracts.serving import Labelled

PARTS = 8
"""Of the day: hours that are so far apart belong to one."""


def labelled_hours(
    session: Session, model: str, environment: str, since: datetime
) -> list[LabelledHour]:
    """Hours of the requests whose labels have come since then, oldest first."""
    found = session.exec(
        select(LabelRow.request_at, LabelRow.changes).where(
            LabelRow.model == model,
            LabelRow.environment == environment,
            LabelRow.status == "joined",
            col(LabelRow.received_at) >= since,
        )
    )
    hours: dict[datetime, tuple[int, int]] = {}
    # here and not in SQL, which has a word of its own for the hour in each database
    for at, changes in found:
        assert at is not None  # it was found
        start = at.replace(minute=0, second=0, microsecond=0)
        labels, before = hours.get(start, (0, 0))
        hours[start] = labels + 1, before + changes
    return [LabelledHour(start, *hours[start]) for start in sorted(hours)]


def record_labelled(
    session: Session, input: CountLabelled, hour: datetime, found: Sequence[Labelled]
) -> None:
    """Keep what an hour came to, in the place of what it was."""
    # one at a time: of two that take the old rows away at once, one would find those of the other
    mine = col(ModelRow.name) == input.model
    session.exec(select(ModelRow.name).where(mine).with_for_update(key_share=True))
    session.execute(delete(LabelledRow).where(*_of(input), col(LabelledRow.hour) == hour))
    session.add_all(
        LabelledRow(
            model=input.model,
            environment=input.environment,
            since_epoch=input.since_epoch,
            hour=hour,
            **each.model_dump(exclude={"part"}),
        )
        for each in found
    )


def read_labelled(session: Session, input: ReadServing) -> tuple[Labelled, ...]:
    """All hours together, by the part of the day, of the rollout that began with `since_epoch`."""
    sums: dict[tuple[str, int, int], Counter[str]] = defaultdict(Counter)
    for row in session.exec(select(LabelledRow).where(*_of(input))):
        sums[row.variant, row.version, row.hour.hour % PARTS].update(
            requests=row.requests, wrong=row.wrong
        )
    return tuple(
        Labelled(variant=variant, version=version, part=part, **counts)
        for (variant, version, part), counts in sorted(sums.items())
    )


def _of(input: CountLabelled | ReadServing) -> tuple[ColumnElement[bool], ...]:
    return (
        col(LabelledRow.model) == input.model,
        col(LabelledRow.environment) == input.environment,
        col(LabelledRow.since_epoch) == input.since_epoch,
    )
