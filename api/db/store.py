"""The records as activities see them: `perennial.contracts.store.RecordStore` on a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self

from api.db.engine import Database
from api.db.facts import (
    alerts,
    aliases,
    approvals,
    champions,
    decisions,
    deployments,
    groups,
    learnt,
    monitored,
    outbox,
    platform,
    runs,
    serving,
    silences,
    specs,
    triggers,
    versions,
    waiting_wishes,
    windows,
)
from api.db.label_store import LabelStore
from api.db.migrate import upgrade
from perennial.contracts import policy, records, registry
from perennial.contracts.alerts import (
    Acknowledge,
    Alert,
    CloseAlert,
    EndSilence,
    Message,
    RaiseAlert,
    SetSilence,
)
from perennial.contracts.arrivals import FindLearnt
from perennial.contracts.base import Json, Utc
from perennial.contracts.data import DatasetSnapshot, ReferenceProfile
from perennial.contracts.deployments import ReadServing, SetWeights
from perennial.contracts.errors import StaleEpoch
from perennial.contracts.groups import Moved, MoveTogether, PutBack
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
from perennial.contracts.schedules import Timetable
from perennial.contracts.serving import Deployment, Report, Serving
from perennial.contracts.spec import Environment
from perennial.contracts.triggers import RecordTrigger, TriggerRecorded, WaitingWish


class Store(LabelStore):
    """Facts and views of every run. Each method is one transaction; safe to share by threads.

    Every method raises RecordsUnavailable when the database is away or stays locked.
    """

    def __init__(self, database: Database | str) -> None:
        self.database = Database(database) if isinstance(database, str) else database

    @classmethod
    def open(cls, url: str) -> Self:
        """Migrate the database at a SQLAlchemy URL if need be, and connect to it."""
        database = Database(url)
        upgrade(database)
        return cls(database)

    def close(self) -> None:
        """Close the connections."""
        self.database.close()

    def record_spec(self, input: records.RecordSpec) -> records.SpecRecorded:
        """Keep a spec as applied. Raises ModelRetired."""
        with self.database.recording() as session:
            return specs.record_spec(session, input)

    def set_model_status(self, input: records.SetModelStatus) -> records.Done:
        """Keep that a model was paused, resumed or retired. Raises NotFound, ModelRetired."""
        with self.database.recording() as session:
            return specs.set_model_status(session, input)

    def record_run(self, input: records.RecordRun) -> records.Done:
        """Keep a run that was asked for. Raises NotFound for a model without a spec."""
        with self.database.recording() as session:
            return runs.record_run(session, input)

    def mark_stage(self, input: records.MarkStage) -> records.Done:
        """Show that a stage began or ended. Raises NotFound."""
        with self.database.writing() as session:
            return runs.mark_stage(session, input)

    def mark_run(self, input: records.MarkRun) -> records.Done:
        """Show what a run is doing. Raises NotFound."""
        with self.database.writing() as session:
            return runs.mark_run(session, input)

    def report_progress(self, run_id: str, stage: str, at: Utc, progress: Json) -> None:
        """Show how far a stage is that is under way."""
        with self.database.writing() as session:
            runs.report_progress(session, run_id, stage, at, progress)

    def finish_run(self, input: records.FinishRun) -> records.Done:
        """Keep how a run ended; the first end stands. Raises NotFound.

        Requests that it still divides are the champion's again, in the same transaction.
        """
        with self.database.recording() as session:
            done = runs.finish_run(session, input)
            why = f"the run ended: {input.outcome}"
            deployments.end_rollout(session, input.run_id, input.effect, why, input.at)
            return done

    def record_snapshot(self, input: records.RecordSnapshot) -> records.Done:
        """Keep a snapshot and its profile. Raises NotFound."""
        with self.database.recording() as session:
            return versions.record_snapshot(session, input)

    def record_version(self, input: records.RecordVersion) -> records.VersionRecorded:
        """Give a candidate its number; the same run gets the same again. Raises NotFound."""
        with self.database.recording() as session:
            return versions.record_version(session, input)

    def record_evidence(self, input: records.RecordEvidence) -> records.Done:
        """Keep evidence beside its version. Raises NotFound."""
        with self.database.recording() as session:
            return versions.record_evidence(session, input)

    def read_version(self, input: records.ReadVersion) -> records.VersionRecord:
        """All that is known of a version. Raises NotFound."""
        with self.database.reading() as session:
            return versions.read_version(session, input)

    def set_registration(self, model: str, version: int, mlflow_run: str, mlflow: str) -> None:
        """Keep where MLflow has a version. Raises NotFound."""
        with self.database.writing() as session:
            versions.set_registration(session, model, version, mlflow_run, mlflow)

    def finished_among(self, run_ids: Sequence[str]) -> frozenset[str]:
        """Those of these runs that have ended."""
        with self.database.reading() as session:
            return runs.finished_among(session, run_ids)

    def mlflow_versions(self, model: str) -> dict[int, str]:
        """MLflow's version by ours."""
        with self.database.reading() as session:
            return versions.mlflow_versions(session, model)

    def open_approval(self, input: records.OpenApproval) -> records.Done:
        """Keep an open question. Raises NotFound."""
        with self.database.recording() as session:
            return approvals.open_approval(session, input)

    def record_vote(self, input: records.RecordVote) -> records.Done:
        """Keep one person's word. Raises NotFound, and Refused on a second one."""
        with self.database.recording() as session:
            return approvals.record_vote(session, input)

    def close_approval(self, input: records.CloseApproval) -> records.Done:
        """Keep how a question ended. Raises NotFound."""
        with self.database.recording() as session:
            return approvals.close_approval(session, input)

    def refuse_vote(
        self, effect: str, approval_id: str, by: str, reason: str, at: datetime
    ) -> None:
        """Keep that somebody tried to vote and might not. Raises NotFound."""
        with self.database.recording() as session:
            approvals.refuse_vote(session, effect, approval_id, by, reason, at)

    def read_champions(self, input: records.ReadChampions) -> records.Champions:
        """The champions of a model, in every environment that ever had one."""
        with self.database.reading() as session:
            return champions.read_champions(session, input)

    def previous_champion(self, input: records.PreviousChampion) -> records.Champion:
        """What a rollback would put back. Raises NotFound, Refused."""
        with self.database.reading() as session:
            return champions.previous_champion(session, input)

    def move_champion(self, input: records.MoveChampion) -> records.Champion:
        """Compare-and-set. Raises StaleEpoch, PlatformPaused, ModelRetired, NotFound."""
        with self.database.recording() as session:
            moved = champions.move_champion(session, input)
        if isinstance(moved, StaleEpoch):
            raise moved  # after the commit: the refusal stands in the ledger
        return moved

    def move_together(self, input: MoveTogether) -> Moved:
        """All moves or none. Raises as `move_champion`, and ModelPaused."""
        with self.database.recording() as session:
            return groups.move_together(session, input)

    def roll_back_together(self, input: PutBack) -> Moved:
        """All moves of a group, or none. Raises NotFound, Refused, StaleEpoch."""
        with self.database.recording() as session:
            return groups.roll_back_together(session, input)

    def set_weights(self, input: SetWeights) -> Deployment:
        """Compare-and-set. Raises StaleEpoch, PlatformPaused, ModelPaused, ModelRetired, NotFound.

        All to the champion is never refused for a pause.
        """
        with self.database.recording() as session:
            changed = deployments.set_weights(session, input)
        if isinstance(changed, StaleEpoch):
            raise changed
        return changed

    def read_serving(self, input: ReadServing) -> Serving:
        """What is served, by whom, and what was answered. Raises NotFound."""
        with self.database.reading() as session:
            return serving.read_serving(session, input, datetime.now(UTC))

    def record_report(self, environment: Environment, process: str, report: Report) -> None:
        """Keep what a process of the data plane says of itself."""
        with self.database.writing() as session:
            serving.record_report(session, environment, process, report, datetime.now(UTC))

    def read_monitored(self, input: ReadMonitored) -> Monitored:
        """What a monitor watches, as it is now. Raises NotFound."""
        with self.database.reading() as session:
            return monitored.read_monitored(session, input)

    def read_watched(self) -> tuple[ReadMonitored, ...]:
        """Every environment that has a champion which is to be watched."""
        with self.database.reading() as session:
            return monitored.read_watched(session)

    def read_measured(self, input: ReadMeasured) -> MeasuredWindows:
        """Windows that were judged, by their starts."""
        with self.database.reading() as session:
            return windows.read_measured(session, input)

    def record_window(self, input: RecordWindow) -> records.Done:
        """Keep what a window showed; the first word stands. Raises NotFound."""
        with self.database.writing() as session:
            return windows.record_window(session, input)

    def record_quality(self, input: RecordQuality) -> records.Done:
        """Keep what labels say of a window; the newest word counts. Raises NotFound."""
        with self.database.writing() as session:
            return windows.record_quality(session, input)

    def record_action(self, input: RecordAction) -> records.Done:
        """Keep what was done about a window. Raises NotFound."""
        with self.database.recording() as session:
            return windows.record_action(session, input)

    def record_trigger(self, input: RecordTrigger) -> TriggerRecorded:
        """Keep a wish to train a model again, judged here. Raises NotFound, ModelRetired."""
        with self.database.recording() as session:
            return triggers.record_trigger(session, input)

    def read_platform(self) -> Platform:
        """Whether the platform is paused."""
        with self.database.reading() as session:
            return platform.read_platform(session)

    def set_platform(self, input: SetPlatform) -> Platform:
        """Keep that the platform was paused or resumed."""
        with self.database.recording() as session:
            return platform.set_platform(session, input)

    def read_untold(self) -> Untold:
        """Which models' workflows are to be told of the platform's state."""
        with self.database.reading() as session:
            return platform.read_untold(session)

    def mark_told(self, epoch: int) -> None:
        """Keep that every model's workflow knows of this epoch."""
        with self.database.writing() as session:
            platform.mark_told(session, epoch)

    def read_schedules(self) -> dict[str, Timetable]:
        """Models that are trained again by the clock, with when their specs say so."""
        with self.database.reading() as session:
            return specs.read_schedules(session)

    def waiting_wishes(self, now: datetime) -> tuple[WaitingWish, ...]:
        """Wishes that had to wait, and may be put again now."""
        with self.database.reading() as session:
            return waiting_wishes.waiting_wishes(session, now)

    def read_aliases(self, model: str | None = None) -> tuple[registry.AliasTruth, ...]:
        """What MLflow's aliases should say: of every model, or of one."""
        with self.database.reading() as session:
            return aliases.read_aliases(session, model)

    def mark_projected(
        self, model: str, environment: Environment, epoch: int, version: int | None
    ) -> None:
        """Keep what MLflow's alias was put to; an older epoch never undoes a newer one."""
        with self.database.writing() as session:
            aliases.mark_projected(session, model, environment, epoch, version)

    def record_alias_moved(self, input: registry.RecordAliasMoved) -> records.Done:
        """Keep that MLflow's alias was moved by hand. Raises NotFound."""
        with self.database.recording() as session:
            return aliases.record_alias_moved(session, input)

    def raise_alert(self, input: RaiseAlert) -> Alert:
        """Keep an alert, and whom it goes to. Raises NotFound."""
        with self.database.recording() as session:
            return alerts.raise_alert(session, input)

    def close_alert(self, input: CloseAlert) -> records.Done:
        """Keep that an alert is over."""
        with self.database.recording() as session:
            return alerts.close_alert(session, input)

    def acknowledge(self, input: Acknowledge) -> None:
        """Keep that somebody takes care of an alert. Raises NotFound, Refused, KeyReused."""
        with self.database.recording() as session:
            alerts.acknowledge(session, input)

    def set_silence(self, input: SetSilence) -> str:
        """Keep a silence; returns its id. Raises NotFound, BadInput, KeyReused."""
        with self.database.recording() as session:
            return silences.set_silence(session, input)

    def end_silence(self, input: EndSilence) -> None:
        """Keep that a silence ends before its time. Raises NotFound, Refused, KeyReused."""
        with self.database.recording() as session:
            silences.end_silence(session, input)

    def due_channels(self, now: datetime) -> tuple[str, ...]:
        """Channels that something is to be sent to, escalations too."""
        with self.database.reading() as session:
            due, late = outbox.due_channels(session, now), outbox.to_escalate(session, now)
        if late:
            with self.database.writing() as session:
                outbox.escalate(session, now)
                due = outbox.due_channels(session, now)
        return due

    def claim_messages(self, channel: str, now: datetime, limit: int) -> tuple[Message, ...]:
        """Take messages to a channel."""
        with self.database.writing() as session:
            return outbox.claim(session, channel, now, limit)

    def mark_message(self, message_id: str, error: str, at: datetime) -> None:
        """Keep what came of an attempt."""
        with self.database.writing() as session:
            outbox.mark(session, message_id, error, at)

    def newest_snapshot(
        self, model: str, transformation: str | None = None
    ) -> tuple[DatasetSnapshot, ReferenceProfile] | None:
        """The newest of a model, of those that were made in the same way where one is named."""
        with self.database.reading() as session:
            return versions.newest_snapshot(session, model, transformation)

    def find_learnt(self, input: FindLearnt, source_digest: str) -> int | None:
        """The newest version that learnt from the same rows, by this code and the same plan."""
        with self.database.reading() as session:
            return learnt.find_learnt(session, input, source_digest)

    def find_decision(self, effect: str) -> policy.Decision | None:
        """The decision that was stored under this effect, if any."""
        with self.database.reading() as session:
            return decisions.find_decision(session, effect)

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
        """Keep a decision with its exact input and the raw answer; the first one stands."""
        with self.database.recording() as session:
            return decisions.record_decision(
                session,
                effect,
                decision,
                question,
                answer,
                model=model,
                environment=environment,
                version=version,
                run_id=run_id,
            )
