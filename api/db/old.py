"""Records that were kept for long enough: `perennial.contracts.store.OldRecords` on a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from api.db.engine import Database
from api.db.facts import retention
from perennial.contracts.records import Done
from perennial.contracts.retention import LoggedModel, Measurable, OldWindow, RecordSweep


class OldStore:
    """Each method is one transaction. Raises RecordsUnavailable when the database is away."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def profiles_before(self, before: datetime, now: datetime) -> datetime:
        """Before when windows must have been judged for their blobs to go."""
        with self.database.reading() as session:
            return retention.profiles_before(session, before, now)

    def old_windows(self, before: datetime, most: int) -> tuple[OldWindow, ...]:
        """Windows that were judged before then, and have their blobs."""
        with self.database.reading() as session:
            return retention.old_windows(session, before, most)

    def mark_swept(self, windows: Sequence[OldWindow], at: datetime) -> None:
        """Keep that the blobs of windows are gone."""
        with self.database.writing() as session:
            retention.mark_swept(session, windows, at)

    def read_measurable(self, now: datetime) -> tuple[Measurable, ...]:
        """Every model, with the labels that its windows may still be measured by."""
        with self.database.reading() as session:
            return retention.read_measurable(session, now)

    def remove_labels(self, of: Measurable, before: datetime, most: int) -> int:
        """Remove a model's labels that came before then and are not needed."""
        with self.database.writing() as session:
            return retention.remove_labels(session, of, before, most)

    def remove_labelled(self, before: datetime, now: datetime, most: int) -> int:
        """Remove what rollouts that are over have counted by labels of old requests."""
        with self.database.writing() as session:
            return retention.remove_labelled(session, before, now, most)

    def remove_deliveries(self, before: datetime, most: int) -> int:
        """Remove deliveries of closed alerts that ended before then."""
        with self.database.writing() as session:
            return retention.remove_deliveries(session, before, most)

    def read_logged(self) -> tuple[LoggedModel, ...]:
        """Every model, with how long its requests are kept."""
        with self.database.reading() as session:
            return retention.read_logged(session)

    def record_sweep(self, input: RecordSweep) -> Done:
        """Keep in the ledger what a sweep has removed."""
        with self.database.recording() as session:
            return retention.record_sweep(session, input)
