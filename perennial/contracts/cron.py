"""When something is done by the clock: cron expressions of five fields, and intervals.

Read here, and not by whoever keeps the clock, so that a wrong one is refused with the spec that
holds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from perennial.contracts.base import Contract
from perennial.contracts.spec_part import duration

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
SHORTEST = timedelta(minutes=1)
"""As often as a cron expression can be."""
_PART = re.compile(r"(?:(\*)|([a-z0-9]+)(?:-([a-z0-9]+))?)(?:/([0-9]+))?")


class Span(Contract):
    """Whole numbers from `start` to `end`, both of them included, each `step`-th."""

    start: int
    end: int
    step: int = 1


class Cron(Contract):
    """When. A moment fits that fits every field; days of the week count from Sunday, 0."""

    minute: tuple[Span, ...]
    hour: tuple[Span, ...]
    day_of_month: tuple[Span, ...]
    month: tuple[Span, ...]
    day_of_week: tuple[Span, ...]


class Every(Contract):
    """Again and again, at multiples of so many seconds since 1970 began in UTC."""

    seconds: int


def parse(text: str) -> Cron | Every:
    """Read an expression such as `0 4 * * MON` or `*/30 6-18 1,15 * *`, or `@every 36h`.

    Raises:
        ValueError: it is none; the message says which field and what it takes.
    """
    fields = text.lower().split()
    if fields[:1] == ["@every"]:
        return _every(text, fields[1:])
    if len(fields) != 5:
        raise ValueError(
            f"{text!r} has {len(fields)} fields; a cron expression has five: minute, hour, day of "
            f"the month, month, day of the week, such as `0 4 * * MON`; an interval is `@every 36h`"
        )
    minute, hour, day, month, weekday = fields
    return Cron(
        minute=_field("minute", minute, 0, 59),
        hour=_field("hour", hour, 0, 23),
        day_of_month=_field("day of the month", day, 1, 31),
        month=_field("month", month, 1, 12, {name: n for n, name in enumerate(_MONTHS, 1)}),
        day_of_week=_weekdays(weekday),
    )


def _every(text: str, fields: list[str]) -> Every:
    if len(fields) != 1:
        raise ValueError(f"{text!r} is no interval: it is `@every` and a duration, as `@every 36h`")
    period = duration(fields[0])
    if period < SHORTEST:
        raise ValueError(f"{text!r} is more often than once a minute")
    return Every(seconds=int(period.total_seconds()))


def _weekdays(text: str) -> tuple[Span, ...]:
    """Sunday is 0, and 7 at the end of a week that begins on Monday."""
    names = {name: n for n, name in enumerate(_DAYS)}
    days: set[int] = set()
    for span in _field("day of the week", text.replace("-sun", "-7"), 0, 7, names):
        days |= {day % 7 for day in range(span.start, span.end + 1, span.step)}
    return tuple(Span(start=day, end=day) for day in sorted(days))


def _field(
    what: str, text: str, first: int, last: int, names: Mapping[str, int] | None = None
) -> tuple[Span, ...]:
    spans = []
    for part in text.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError(
                f"{part!r} is no {what}: it is `*`, a number, a range such as `1-5`, or one of "
                f"these with a step such as `*/15`"
            )
        star, start, end, step = found.groups()
        low = first if star else _number(what, start, first, last, names or {})
        # a step without an end goes on to the last one, as in `5/15`
        open_end = last if star or step else low
        high = _number(what, end, first, last, names or {}) if end else open_end
        if low > high:
            raise ValueError(f"{part!r} ends before it begins; write two ranges with a comma")
        if step is not None and not 1 <= int(step) <= last:
            raise ValueError(f"{part!r} has the step {step}; a {what} takes 1 to {last}")
        spans.append(Span(start=low, end=high, step=int(step or 1)))
    return tuple(spans)


def _number(what: str, text: str, first: int, last: int, names: Mapping[str, int]) -> int:
    if text in names:
        return names[text]
    if not text.isdecimal() or not first <= int(text) <= last:
        named = f", or {', '.join(names)}" if names else ""
        raise ValueError(f"{text!r} is no {what}: it takes {first} to {last}{named}")
    return int(text)
