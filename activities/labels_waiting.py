"""How many labels a monitor has something to do about."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from temporalio import activity

from perennial.contracts.monitoring import EventsSeen, ReadMonitored
from perennial.contracts.store import RecordStore


class LabelsWaitingActivities:
    """Looks at the records alone."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    @activity.defn(name="count_waiting_labels")
    async def count_waiting_labels(self, input: ReadMonitored) -> EventsSeen:
        """Count them."""
        now = datetime.now(UTC)
        due = await asyncio.to_thread(
            self._store.count_due_labels, input.model, input.environment, now
        )
        return EventsSeen(labels=due)
