"""What profiles of logged requests cost the worker that makes them, beside no request."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.testing import ActivityEnvironment

from activities.requests import RequestActivities
from benchmarks.serving.entrants import MODEL
from perennial.blobs import BlobStore
from perennial.contracts.request_profiles import ProfileRequests

_HOUR = timedelta(hours=1)


def a_row(folder: Path) -> float:
    """Microseconds of CPU for a row of all that was logged within the last hour.

    Args:
        folder: of the process that logged, which has ended.
    """
    activities = RequestActivities(
        BlobStore(f"file://{folder / 'profiles'}"), f"file://{folder / 'requests'}"
    )
    now = datetime.now(UTC)
    asked = ProfileRequests(
        model=MODEL, environment="production", start=now - _HOUR, end=now + _HOUR
    )
    began = time.process_time()
    found = asyncio.run(ActivityEnvironment().run(activities.profile_requests, asked))
    spent = time.process_time() - began
    return 1e6 * spent / sum(each.rows for each in found.profiles)
