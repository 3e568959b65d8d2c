"""The part of the records that holds labels."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from api.db.engine import Database
from api.db.facts import label_sources, labelled, labels, windows
from api.db.facts.monitors_with_labels import monitors_with_labels
from perennial.contracts.concept import WindowErrors, WindowKey
from perennial.contracts.label_sources import LabelSource
from perennial.contracts.labelling import CountLabelled, LabelledHour
from perennial.contracts.labels import (
    FoundRequest,
    JoinedLabel,
    Label,
    LabelCounts,
    LabelsKept,
    LookedFor,
    WaitingLabel,
)
from perennial.contracts.monitoring import ReadMonitored
from perennial.contracts.serving import Labelled
from perennial.contracts.spec import Environment


class LabelStore:
    """Labels, and what they say of the versions of a rollout. Each method is one transaction."""

    database: Database

    def keep_labels(self, model: str, sent: Sequence[Label], at: datetime) -> LabelsKept:
        """Keep labels, in one transaction and without a row of the ledger. Raises NotFound."""
        with self.database.writing() as session:
            return labels.keep_labels(session, model, sent, at)

    def count_labels(self, model: str) -> LabelCounts:
        """What became of a model's labels. Raises NotFound."""
        with self.database.reading() as session:
            counts = labels.count_labels(session, model)
            return counts.model_copy(update={"table": label_sources.source_in_use(session, model)})

    def count_due_labels(self, model: str, environment: Environment, now: datetime) -> int:
        """Labels that a monitor has something to do about."""
        with self.database.reading() as session:
            return labels.count_due(session, model, environment, now)

    def monitors_with_labels(self, now: datetime) -> tuple[ReadMonitored, ...]:
        """Environments whose monitors sleep, and have labels to look at."""
        with self.database.reading() as session:
            return monitors_with_labels(session, now)

    def waiting_labels(
        self, model: str, environment: Environment, now: datetime, most: int
    ) -> list[WaitingLabel]:
        """Labels whose request is to be looked for, those due longest first."""
        with self.database.reading() as session:
            return labels.waiting_labels(session, model, environment, now, most)

    def mark_labels(
        self,
        model: str,
        environment: Environment,
        found: Sequence[FoundRequest],
        looked_for: Sequence[LookedFor],
        now: datetime,
    ) -> None:
        """Keep which requests were found, and when the others are looked for again."""
        with self.database.writing() as session:
            labels.mark_labels(session, model, environment, found, looked_for, now)

    def windows_to_measure(
        self, model: str, environment: Environment, length: timedelta, until: datetime
    ) -> list[datetime]:
        """Starts of windows that have labels which they were not measured with."""
        with self.database.reading() as session:
            return labels.windows_to_measure(session, model, environment, length, until)

    def labels_of(
        self, model: str, environment: Environment, start: datetime, end: datetime
    ) -> list[JoinedLabel]:
        """The labels of a window's requests."""
        with self.database.reading() as session:
            return labels.labels_of(session, model, environment, start, end)

    def mark_measured(self, model: str, measured: Sequence[JoinedLabel]) -> None:
        """Keep that windows were measured with these values."""
        with self.database.writing() as session:
            labels.mark_measured(session, model, measured)

    def errors_before(
        self, window: WindowKey, since: datetime | None, most: int
    ) -> list[WindowErrors]:
        """Errors of the version's newest windows before one, judged since then, oldest first."""
        with self.database.reading() as session:
            return windows.errors_before(session, window, since, most)

    def keep_errors(self, window: WindowKey, kept: WindowErrors) -> None:
        """Keep a window's errors for the windows after it; none of one that was not judged."""
        with self.database.writing() as session:
            windows.keep_errors(session, window, kept)

    def labelled_hours(
        self, model: str, environment: Environment, since: datetime
    ) -> list[LabelledHour]:
        """Hours of the requests whose labels have come since then, oldest first."""
        with self.database.reading() as session:
            return labelled.labelled_hours(session, model, environment, since)

    def record_labelled(
        self, input: CountLabelled, hour: datetime, found: Sequence[Labelled]
    ) -> None:
        """Keep what the labelled requests of an hour came to, in the place of what it was."""
        with self.database.writing() as session:
            labelled.record_labelled(session, input, hour, found)

    def read_label_source(self, model: str) -> LabelSource | None:
        """How far the model's table of labels is read."""
        with self.database.reading() as session:
            return label_sources.read_source(session, model)

    def keep_label_source(
        self, model: str, source: LabelSource, read: Sequence[Label], at: datetime
    ) -> None:
        """Keep labels of a table and how far it is read. Raises NotFound."""
        with self.database.writing() as session:
            label_sources.keep_source(session, model, source, read, at)
