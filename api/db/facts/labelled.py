"""Labelled requests of rollouts: a view, which is counted anew whenever labels have come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlmodel import Session, col

from api.db.monitoring_tables import LabelledRow, LabelRow
from perennial.contracts.deployments import ReadServing
from perennial.contracts.labelling import CountLabelled, LabelledHour
from perennial.contracts.serving import Labelled


def labelled_hours(
    session: Session, model: str, environment: str, since: datetime
) -> list[LabelledHour]:
    """Hours of the requests whose labels have come since then, oldest first."""
    found = session.execute(
        select(LabelRow.request_at, LabelRow.changes).where(  # type: ignore[call-overload]
            LabelRow.model == model,
            LabelRow.environment == environment,
            LabelRow.status == "joined",
            col(LabelRow.received_at) >= since,
        )
    )
    hours: dict[datetime, tuple[int, int]] = {}
    # here and not in SQL, which has a word of its own for the hour in each database
    for at, changes in found:
        start = at.replace(minute=0, second=0, microsecond=0)
        labels, before = hours.get(start, (0, 0))
        hours[start] = labels + 1, before + changes
    return [LabelledHour(start, *hours[start]) for start in sorted(hours)]


def record_labelled(
    session: Session, input: CountLabelled, hour: datetime, found: Sequence[Labelled]
) -> None:
    """Keep what an hour came to, in the place of what it was."""
    session.execute(delete(LabelledRow).where(*_of(input), col(LabelledRow.hour) == hour))
    session.add_all(
        LabelledRow(
            model=input.model,
            environment=input.environment,
            since_epoch=input.since_epoch,
            hour=hour,
            **each.model_dump(),
        )
        for each in found
    )


def read_labelled(session: Session, input: ReadServing) -> tuple[Labelled, ...]:
    """All hours together, of the rollout that began with `since_epoch`."""
    key = (LabelledRow.epoch, LabelledRow.variant, LabelledRow.version)
    rows = session.execute(
        select(*key, func.sum(LabelledRow.requests), func.sum(LabelledRow.wrong))  # type: ignore[call-overload]
        .where(*_of(input))
        .group_by(*key)
        .order_by(*key)
    )
    return tuple(
        Labelled(epoch=epoch, variant=variant, version=version, requests=requests, wrong=wrong)
        for epoch, variant, version, requests, wrong in rows
    )


def _of(input: CountLabelled | ReadServing) -> tuple[ColumnElement[bool], ...]:
    return (
        col(LabelledRow.model) == input.model,
        col(LabelledRow.environment) == input.environment,
        col(LabelledRow.since_epoch) == input.since_epoch,
    )
