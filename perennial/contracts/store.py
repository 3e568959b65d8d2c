"""What activities need of the records. `api.db` implements it; workers hand it in.

Every writing method is one transaction with its ledger row, and does its work once per `effect`:
a repeat returns what the first call returned. The methods block and are called from threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from perennial.contracts import policy, records, registry
from perennial.contracts.alerts import Alert, CloseAlert, Message, RaiseAlert
from perennial.contracts.arrivals import FindLearnt
from perennial.contracts.base import Json, Utc
from perennial.contracts.concept import WindowErrors, WindowKey
from perennial.contracts.data import DatasetSnapshot, ReferenceProfile
from perennial.contracts.deployments import ReadServing, SetWeights
from perennial.contracts.groups import Moved, MoveTogether, PutBack
from perennial.contracts.label_sources import LabelSource
from perennial.contracts.labelling import CountLabelled, LabelledHour
from perennial.contracts.labels import (
    FoundRequest,
    JoinedLabel,
    Label,
    LabelCounts,
    LookedFor,
    WaitingLabel,
)
from perennial.contracts.monitoring import (
    MeasuredWindows,
    Monitored,
    ReadMeasured,
    ReadMonitored,
    RecordAction,
    RecordQuality,
    RecordWindow,
)
from perennial.contracts.platform import Platform, SetPlatform, Untold
from perennial.contracts.retention import LoggedModel, Measurable, OldWindow, RecordSweep
from perennial.contracts.schedules import Timetable
from perennial.contracts.serving import Deployment, Labelled, Serving
from perennial.contracts.spec import Environment
from perennial.contracts.triggers import RecordTrigger, TriggerRecorded, WaitingWish


class RecordStore(Protocol):
    """The records, as activities see them. Raises RecordsUnavailable when the database is away."""

    def record_spec(self, input: records.RecordSpec) -> records.SpecRecorded: ...
    def record_run(self, input: records.RecordRun) -> records.Done: ...
    def mark_stage(self, input: records.MarkStage) -> records.Done: ...
    def mark_run(self, input: records.MarkRun) -> records.Done: ...
    def finish_run(self, input: records.FinishRun) -> records.Done: ...
    def record_snapshot(self, input: records.RecordSnapshot) -> records.Done: ...
    def record_version(self, input: records.RecordVersion) -> records.VersionRecorded: ...
    def record_evidence(self, input: records.RecordEvidence) -> records.Done: ...
    def open_approval(self, input: records.OpenApproval) -> records.Done: ...
    def record_vote(self, input: records.RecordVote) -> records.Done: ...
    def close_approval(self, input: records.CloseApproval) -> records.Done: ...
    def read_version(self, input: records.ReadVersion) -> records.VersionRecord: ...
    def read_champions(self, input: records.ReadChampions) -> records.Champions: ...
    def previous_champion(self, input: records.PreviousChampion) -> records.Champion: ...
    def move_champion(self, input: records.MoveChampion) -> records.Champion: ...
    def move_together(self, input: MoveTogether) -> Moved: ...
    def roll_back_together(self, input: PutBack) -> Moved: ...
    def set_weights(self, input: SetWeights) -> Deployment: ...
    def read_serving(self, input: ReadServing) -> Serving: ...
    def read_monitored(self, input: ReadMonitored) -> Monitored: ...
    def read_watched(self) -> tuple[ReadMonitored, ...]: ...
    def read_measured(self, input: ReadMeasured) -> MeasuredWindows: ...
    def record_window(self, input: RecordWindow) -> records.Done: ...
    def record_quality(self, input: RecordQuality) -> records.Done: ...
    def record_action(self, input: RecordAction) -> records.Done: ...
    def record_trigger(self, input: RecordTrigger) -> TriggerRecorded: ...
    def set_model_status(self, input: records.SetModelStatus) -> records.Done: ...
    def set_platform(self, input: SetPlatform) -> Platform: ...
    def read_platform(self) -> Platform: ...
    def record_alias_moved(self, input: registry.RecordAliasMoved) -> records.Done: ...
    def raise_alert(self, input: RaiseAlert) -> Alert: ...
    def close_alert(self, input: CloseAlert) -> records.Done: ...

    def report_progress(self, run_id: str, stage: str, at: Utc, progress: Json) -> None:
        """Show how far a stage is (the epoch, the loss): a view, not a fact of the ledger."""

    def newest_snapshot(
        self, model: str, transformation: str | None = None
    ) -> tuple[DatasetSnapshot, ReferenceProfile] | None:
        """The newest of a model, of those that were made in the same way where one is named."""

    def find_learnt(self, input: FindLearnt, source_digest: str) -> int | None:
        """The newest version that learnt from the same rows, by this code and the same plan."""

    def find_decision(self, effect: str) -> policy.Decision | None:
        """The decision that was stored under this effect, if any."""

    def record_decision(
        self,
        effect: str,
        decision: policy.Decision,
        question: Json,
        answer: Json,
        *,
        model: str,
        environment: str,
        version: int,
        run_id: str,
    ) -> policy.Decision:
        """Keep a decision with its exact input and the raw answer."""

    def set_registration(self, model: str, version: int, mlflow_run: str, mlflow: str) -> None:
        """Keep where MLflow has a version."""

    def read_untold(self) -> Untold:
        """Which models' workflows are to be told of the platform's state."""

    def mark_told(self, epoch: int) -> None:
        """Keep that every model's workflow knows of this epoch."""

    def read_schedules(self) -> dict[str, Timetable]:
        """Models that are trained again by the clock, with when their specs say so."""

    def waiting_wishes(self, now: datetime) -> tuple[WaitingWish, ...]:
        """Wishes that came once, had to wait, and may be put again now: one of a model at most."""

    def read_aliases(self, model: str | None = None) -> tuple[registry.AliasTruth, ...]:
        """What MLflow's aliases should say: of every model, or of one."""

    def mark_projected(
        self, model: str, environment: Environment, epoch: int, version: int | None
    ) -> None:
        """Keep what MLflow's alias was put to; an older epoch never undoes a newer one."""

    def finished_among(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Those of these runs that have ended; one that is not known has not."""

    def mlflow_versions(self, model: str) -> dict[int, str]:
        """MLflow's version by ours."""

    def count_labels(self, model: str) -> LabelCounts:
        """What became of a model's labels. Raises NotFound."""

    def count_due_labels(self, model: str, environment: Environment, now: datetime) -> int:
        """Labels that a monitor has something to do about: requests to find, windows to measure."""

    def monitors_with_labels(self, now: datetime) -> tuple[ReadMonitored, ...]:
        """Environments whose monitors sleep until a window is over, and have labels to look at."""

    def waiting_labels(
        self, model: str, environment: Environment, now: datetime, most: int
    ) -> list[WaitingLabel]:
        """Labels whose request is to be looked for in an environment, those due longest first."""

    def mark_labels(
        self,
        model: str,
        environment: Environment,
        found: Sequence[FoundRequest],
        looked_for: Sequence[LookedFor],
        now: datetime,
    ) -> None:
        """Keep which requests were found, and when the others are looked for again."""

    def windows_to_measure(
        self, model: str, environment: Environment, length: timedelta, until: datetime
    ) -> list[datetime]:
        """Starts of windows that end by then and have labels which they were not measured with."""

    def labels_of(
        self, model: str, environment: Environment, start: datetime, end: datetime
    ) -> list[JoinedLabel]:
        """The labels of a window's requests, in the order of their time."""

    def read_label_source(self, model: str) -> LabelSource | None:
        """How far the model's table of labels is read; None where it never was."""

    def keep_label_source(
        self, model: str, source: LabelSource, read: Sequence[Label], at: datetime
    ) -> None:
        """Keep labels of a table and how far it is read, together. Raises NotFound."""

    def mark_measured(self, model: str, measured: Sequence[JoinedLabel]) -> None:
        """Keep that windows were measured with these values; one changed since stays due."""

    def errors_before(
        self, window: WindowKey, since: datetime | None, most: int
    ) -> list[WindowErrors]:
        """Errors of the version's newest windows before one, judged since then, oldest first."""

    def keep_errors(self, window: WindowKey, kept: WindowErrors) -> None:
        """Keep a window's errors for the windows after it; none of one that was not judged."""

    def labelled_hours(
        self, model: str, environment: Environment, since: datetime
    ) -> list[LabelledHour]:
        """Hours of the requests whose labels have come since then, oldest first."""

    def record_labelled(
        self, input: CountLabelled, hour: datetime, found: Sequence[Labelled]
    ) -> None:
        """Keep what the labelled requests of an hour came to, in the place of what it was."""


class OldRecords(Protocol):
    """What was kept for long enough. Raises RecordsUnavailable when the database is away."""

    def profiles_before(self, before: Utc, now: Utc) -> datetime:
        """Before when windows must have been judged for their blobs to go: then, or earlier."""

    def old_windows(self, before: Utc, most: int) -> tuple[OldWindow, ...]:
        """Windows that were judged before then, and have their blobs."""

    def mark_swept(self, windows: Sequence[OldWindow], at: Utc) -> None:
        """Keep that the blobs of windows are gone."""

    def read_measurable(self, now: Utc) -> tuple[Measurable, ...]:
        """Every model, with the labels that its windows may still be measured by."""

    def remove_labels(self, of: Measurable, before: Utc, most: int) -> int:
        """Remove a model's labels that came before then and are not needed; how many those were."""

    def remove_labelled(self, before: Utc, now: Utc, most: int) -> int:
        """Remove what rollouts have counted by labels of requests from before then, but where one
        is under way or its version under guard; how many rows those were."""

    def remove_deliveries(self, before: Utc, most: int) -> int:
        """Remove deliveries of closed alerts that ended before then; how many those were."""

    def read_logged(self) -> tuple[LoggedModel, ...]:
        """Every model, with how long its requests are kept."""

    def record_sweep(self, input: RecordSweep) -> records.Done:
        """Keep in the ledger what a sweep has removed."""


class AlertOutbox(Protocol):
    """What is to be sent of alerts. Raises RecordsUnavailable when the database is away."""

    def due_channels(self, now: Utc) -> tuple[str, ...]:
        """The channels that something is to be sent to now."""

    def claim_messages(self, channel: str, now: Utc, limit: int) -> tuple[Message, ...]:
        """Take messages to send; one that is not marked in time can be taken again."""

    def mark_message(self, message_id: str, error: str, at: Utc) -> None:
        """Keep that a message was taken, or, with an error, that it was not."""
