"""Tumbling windows: where the one begins that an instant is in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

ANCHOR = datetime(1970, 1, 5, tzinfo=UTC)
"""A Monday at midnight, so that windows of days and weeks begin as people's do."""


def start_of(at: datetime, length: timedelta) -> datetime:
    """The start of the window that an instant with a zone is in; one at its end is in the next."""
    return ANCHOR + (at - ANCHOR) // length * length
