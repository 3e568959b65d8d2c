"""Which wishes to train a model again had to wait, and may be put again by now.

A monitor and a schedule ask again by themselves. An event, a change of the policy or a person asks
once, and whoever it was has gone by the time that the wish may be followed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, exists, func, or_, select
from sqlmodel import Session, col

from api.db.monitoring_tables import TriggerRow
from api.db.tables import ModelRow, RunRow
from perennial.contracts import ids, schedules
from perennial.contracts.retraining import Cause
from perennial.contracts.triggers import RetrainWanted, WaitingWish

LONGEST = timedelta(days=30)
"""After a wish first came it is put again for so long: the period of the budgets."""
_ONCE: tuple[Cause, ...] = ("message", "policy", "data", "request")
"""Causes that ask once."""

_TRIGGERS: Any = TriggerRow.__table__  # type: ignore[attr-defined]


def waiting_wishes(session: Session, now: datetime) -> tuple[WaitingWish, ...]:
    """The newest wish of each active model that waits, where it may be put again.

    Older ones want the same. Whichever wish was allowed since a wish first came, it learns the rows
    of that one too, unless it was allowed for rows of the past.
    """
    if not (models := _may_be_due(session, now)):
        return ()
    rows = _since(session, models, now)
    found = (_due(list(of_one), now) for _, of_one in groupby(rows, key=lambda row: row.model))
    return tuple(
        WaitingWish(model=wish.last.model, wanted=wish.again(now))
        for wish in found
        if wish is not None
    )


class _Wish(NamedTuple):
    """A wish and its repetitions by us, which are rows like any other.

    Nothing is kept of what repeats what: the name of the next repetition follows from the first
    row, and the row that has it is the repetition.
    """

    first: Row[Any]
    times: int
    last: Row[Any]

    @property
    def next(self) -> str:
        """The request by which it is put again."""
        return ids.wish_again(self.first.trigger_id, self.times + 1)

    def waits(self, since: datetime) -> bool:
        """Whether it first came after then, and what was answered last leaves it open."""
        return (
            self.last.decision == "wait"
            # nothing new to learn, and time does not change that
            and self.last.rule != "snapshot"
            and self.first.cause in _ONCE
            and self.first.at > since
        )

    def again(self, now: datetime) -> RetrainWanted:
        """As it is put now."""
        first = self.first
        return RetrainWanted(
            request_id=self.next,
            actor=first.actor,
            cause=first.cause,
            snapshot=first.snapshot,
            at=now,
            reason=first.reason,
        )


def _due(rows: Sequence[Row[Any]], now: datetime) -> _Wish | None:
    """The wish of one model that is to be put again, of its rows in the order of their time."""
    followed = max((row.at for row in rows if row.decision == "allow"), default=now - LONGEST)
    since = max(followed, now - LONGEST)
    waiting = [wish for wish in _wishes(rows) if wish.waits(since)]
    if not waiting:
        return None
    newest = max(waiting, key=lambda wish: wish.last.at)
    until = newest.last.until
    return newest if until is None or until <= now else None


def _wishes(rows: Iterable[Row[Any]]) -> list[_Wish]:
    # by the name that its next repetition has
    wishes: dict[str, _Wish] = {}
    for row in rows:
        before = wishes.pop(row.trigger_id, None)
        wish = _Wish(row, 0, row) if before is None else _Wish(before.first, before.times + 1, row)
        wishes[ids.trigger_id(row.model, wish.next)] = wish
    return list(wishes.values())


def _may_be_due(session: Session, now: datetime) -> list[str]:
    """Models without a run whose newest wish that waits may come: all that most rounds ask."""
    row = _TRIGGERS.c
    allowed = _TRIGGERS.alias()
    followed = exists().where(
        allowed.c.model == row.model,
        allowed.c.decision == "allow",
        allowed.c.as_of.is_(None),
        allowed.c.at > row.at,
    )
    newest = (
        select(row.model, func.max(row.at).label("at"))
        .where(_asked_once(), row.decision == "wait", row.rule != "snapshot")
        .where(row.at > now - LONGEST, row.at < now, ~followed)
        .group_by(row.model)
        .subquery()
    )
    under_way = exists().where(col(RunRow.model) == row.model, col(RunRow.finished_at).is_(None))
    found = session.execute(
        select(row.model)
        .join(newest, and_(newest.c.model == row.model, newest.c.at == row.at))
        .join(ModelRow, and_(col(ModelRow.name) == row.model, col(ModelRow.status) == "active"))
        .where(or_(row.until.is_(None), row.until <= now), ~under_way)
        .distinct()
    )
    return sorted(found.scalars())


def _since(session: Session, models: Sequence[str], now: datetime) -> Sequence[Row[Any]]:
    """Their wishes that came once, and those that were followed, oldest first.

    A repetition comes at most `LONGEST` after the first, so twice as far back lies every first one
    of those that may still be put.
    """
    row = _TRIGGERS.c
    return session.execute(
        select(
            row.trigger_id,
            row.model,
            row.cause,
            row.actor,
            row.reason,
            row.snapshot,
            row.at,
            row.decision,
            row.rule,
            row.until,
        )
        .where(row.model.in_(models), row.as_of.is_(None))
        .where(row.at > now - 2 * LONGEST, row.at < now)
        .where(or_(_asked_once(), row.decision == "allow"))
        .order_by(row.model, row.at)
    ).all()


def _asked_once() -> ColumnElement[bool]:
    """A wish that nobody repeats, by our clock: one `as_of` a time is by that of its events."""
    row = _TRIGGERS.c
    return and_(
        row.cause.in_(_ONCE),
        # a schedule that looks for new rows says `data`, and looks again
        row.actor != schedules.ACTOR,
        row.as_of.is_(None),
    )
