"""What `perennial.client.Client` can ask about data."""

from __future__ import annotations

from typing import cast

from perennial.connection import Connection, path
from perennial.data_documents import Snapshot, SnapshotDetail, SnapshotDiff


class DataCalls(Connection):
    """The rows that runs used."""

    def snapshots(self, model: str, *, limit: int = 100) -> list[Snapshot]:
        """Snapshots of a model, newest first."""
        return self._items(path("models", model, "snapshots"), limit)

    def snapshot(self, digest: str) -> SnapshotDetail:
        """A snapshot, by its digest or the first six characters of it, or more."""
        return cast(SnapshotDetail, self._get(path("snapshots", digest)))

    def snapshot_diff(self, before: str, after: str) -> SnapshotDiff:
        """What changed from one snapshot to another."""
        return cast(SnapshotDiff, self._get(path("snapshots", before, "diff", after)))
