"""What was kept for long enough is removed: in pieces, so that nobody waits for a lock for long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial

from temporalio import activity

from activities.work import in_thread
from perennial.blobs import BlobStore
from perennial.contracts.errors import Unavailable
from perennial.contracts.retention import Keep, RecordSweep, Sweep, Swept
from perennial.contracts.spec import duration
from perennial.contracts.store import OldRecords
from perennial.log_days import remove_old_days
from perennial.storage import filesystem

_WINDOWS, _ROWS = 200, 5000
"""In one transaction."""


class RetentionActivities:
    """Blobs first and their rows afterwards: who dies in between finds the rows again."""

    def __init__(self, blobs: BlobStore, log: str, store: OldRecords, keep: Keep) -> None:
        self._blobs = blobs
        self._log = log
        self._store = store
        self._keep = keep

    @activity.defn(name="sweep_old")
    async def sweep_old(self, input: Sweep) -> Swept:
        """Remove, and say in the ledger what; nothing is said where nothing was removed.

        What an attempt has removed that died before its end is not in the figures.
        """
        return await in_thread(self._sweep, input)

    def _sweep(self, input: Sweep) -> Swept:
        keep, at, store = self._keep, input.at, self._store
        labels, deliveries = at - duration(keep.labels), at - duration(keep.deliveries)
        windows, size = self._windows(at)
        swept = Swept(
            windows=windows,
            bytes=size,
            labels=sum(
                _all(partial(store.remove_labels, each, labels, _ROWS))
                for each in store.read_measurable(at)
            ),
            labelled=_all(partial(store.remove_labelled, labels, at, _ROWS)),
            deliveries=_all(partial(store.remove_deliveries, deliveries, _ROWS)),
            days=self._days(at),
        )
        if swept.anything:
            store.record_sweep(RecordSweep(effect=input.effect, swept=swept, keep=keep, at=at))
        return swept

    def _windows(self, at: datetime) -> tuple[int, int]:
        before = self._store.profiles_before(at - duration(self._keep.profiles), at)
        count = size = 0
        while found := self._store.old_windows(before, _WINDOWS):
            size += sum(self._blobs.remove(blob) for each in found for blob in each.blobs)
            self._store.mark_swept(found, at)
            count += sum(1 for each in found if each.blobs)
        return count, size

    def _days(self, at: datetime) -> int:
        removed = 0
        try:
            fs, root = filesystem(self._log)
            for model, log in self._store.read_logged():
                for folder in fs.glob(f"{root.rstrip('/')}/environment=*/model={model}"):
                    removed += remove_old_days(fs, folder, log, at)
        except OSError as error:
            raise Unavailable(
                f"old days of the log of requests at {self._log} cannot be removed: {error}; "
                f"check that it can be reached and written"
            ) from error
        return removed


def _all(remove: Callable[[], int]) -> int:
    """Piece by piece, until nothing is left."""
    total = 0
    while removed := remove():
        total += removed
    return total
