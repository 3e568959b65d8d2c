"""Days of the log of requests, and which of them were kept for long enough.

The data plane asks once a day while a model is asked; whoever sweeps asks for the others.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import fsspec

from perennial.contracts.request_log import RequestLog
from perennial.contracts.spec_part import duration


def remove_old_days(
    fs: fsspec.AbstractFileSystem, folder: str, log: RequestLog, now: datetime
) -> int:
    """Remove the days of a model that are older than its spec keeps them; how many those were.

    Where callers say of when requests are, old days are written today: those count from then,
    or a year that is sent again would be removed meanwhile.

    Args:
        fs: where the log is.
        folder: of the model in an environment.
        log: what the spec says of it.
        now: the present moment.

    Raises:
        OSError, or the store's own errors.
    """
    oldest = now - duration(log.keep) - timedelta(days=1)
    removed = 0
    for path in fs.ls(folder, detail=False):
        day = path.rstrip("/").rpartition("date=")[2]
        if day < f"{oldest:%Y-%m-%d}" and not (
            log.event_time == "header" and _written(fs, path) > oldest
        ):
            fs.rm(path, recursive=True)
            removed += 1
    return removed


def _written(fs: fsspec.AbstractFileSystem, day: str) -> datetime:
    """When the newest file of a day was."""
    return max((fs.modified(path) for path in fs.find(day)), default=datetime.fromtimestamp(0, UTC))
