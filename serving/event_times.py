"""The moment that a request is of, as its caller says: rows of yesterday, scored today."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

from serving.errors import RequestRefused
from serving.responses import Headers

EVENT_TIME = b"x-event-time"
_AHEAD = 300.0
"""Seconds by which a caller's clock may be before ours."""
_USUAL = 40
"""Bytes of a time that is remembered: there may be any number of digits in it."""
# datetime reads much else that is ISO 8601 and no RFC 3339: days alone, weeks, no zone
_FORM = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII
)


def event_time(headers: Headers, now: float) -> float | None:
    """Seconds since 1970 that `x-event-time` says; None where it is not there.

    Raises:
        RequestRefused: it is no time with a zone, before 1970, or more than five minutes from now.
    """
    told = headers.get(EVENT_TIME)
    if told is None:
        return None
    at = _known(told) if len(told) <= _USUAL else _seconds(told)
    if at > now + _AHEAD:
        raise RequestRefused(
            f"x-event-time {told.decode()} is {at - now:,.0f} s from now, and {_AHEAD:g} s are "
            f"taken for clocks that differ; send the time of the event, or set the clock of its "
            f"sender"
        )
    return at


def _seconds(told: bytes) -> float:
    """Since 1970. Raises RequestRefused."""
    said = told.decode("latin-1")
    try:
        if _FORM.fullmatch(said) is None:
            raise ValueError
        at = datetime.fromisoformat(said.upper()).timestamp()
    except (ValueError, OverflowError):
        raise RequestRefused(
            f"x-event-time {said!r} is no time with a zone as RFC 3339 has it; write it as "
            f"2024-05-01T12:00:00Z, or leave it out"
        ) from None
    if at < 0:
        raise RequestRefused(f"x-event-time {said} is before 1970; send the time of the event")
    return at


_known = lru_cache(256)(_seconds)
"""Requests of one moment come beside each other: thousands in a second, some in a millisecond."""
