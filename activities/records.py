"""Facts and views of a run, kept in the database through the store that is handed in."""

from __future__ import annotations

import asyncio

from temporalio import activity

from perennial.contracts import alerts, deployments, groups, platform, records, registry
from perennial.contracts.serving import Deployment, Serving
from perennial.contracts.store import RecordStore


class RecordActivities:
    """The records. Each method is one transaction of the store, off the event loop."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    @activity.defn(name="record_spec")
    async def record_spec(self, input: records.RecordSpec) -> records.SpecRecorded:
        """Keep a spec as applied."""
        return await asyncio.to_thread(self._store.record_spec, input)

    @activity.defn(name="record_run")
    async def record_run(self, input: records.RecordRun) -> records.Done:
        """Keep a run that was asked for."""
        return await asyncio.to_thread(self._store.record_run, input)

    @activity.defn(name="mark_stage")
    async def mark_stage(self, input: records.MarkStage) -> records.Done:
        """Show progress of a stage."""
        return await asyncio.to_thread(self._store.mark_stage, input)

    @activity.defn(name="mark_run")
    async def mark_run(self, input: records.MarkRun) -> records.Done:
        """Show what a run is doing."""
        return await asyncio.to_thread(self._store.mark_run, input)

    @activity.defn(name="finish_run")
    async def finish_run(self, input: records.FinishRun) -> records.Done:
        """Keep how a run ended."""
        return await asyncio.to_thread(self._store.finish_run, input)

    @activity.defn(name="record_snapshot")
    async def record_snapshot(self, input: records.RecordSnapshot) -> records.Done:
        """Keep a snapshot and its profile."""
        return await asyncio.to_thread(self._store.record_snapshot, input)

    @activity.defn(name="record_version")
    async def record_version(self, input: records.RecordVersion) -> records.VersionRecorded:
        """Give a candidate its number."""
        return await asyncio.to_thread(self._store.record_version, input)

    @activity.defn(name="record_evidence")
    async def record_evidence(self, input: records.RecordEvidence) -> records.Done:
        """Keep evidence beside its version."""
        return await asyncio.to_thread(self._store.record_evidence, input)

    @activity.defn(name="open_approval")
    async def open_approval(self, input: records.OpenApproval) -> records.Done:
        """Keep an open question."""
        return await asyncio.to_thread(self._store.open_approval, input)

    @activity.defn(name="record_vote")
    async def record_vote(self, input: records.RecordVote) -> records.Done:
        """Keep one person's word."""
        return await asyncio.to_thread(self._store.record_vote, input)

    @activity.defn(name="close_approval")
    async def close_approval(self, input: records.CloseApproval) -> records.Done:
        """Keep how a question ended."""
        return await asyncio.to_thread(self._store.close_approval, input)

    @activity.defn(name="read_version")
    async def read_version(self, input: records.ReadVersion) -> records.VersionRecord:
        """All that is known of a version."""
        return await asyncio.to_thread(self._store.read_version, input)

    @activity.defn(name="read_champions")
    async def read_champions(self, input: records.ReadChampions) -> records.Champions:
        """The champions of a model."""
        return await asyncio.to_thread(self._store.read_champions, input)

    @activity.defn(name="previous_champion")
    async def previous_champion(self, input: records.PreviousChampion) -> records.Champion:
        """What a rollback would put back."""
        return await asyncio.to_thread(self._store.previous_champion, input)

    @activity.defn(name="move_champion")
    async def move_champion(self, input: records.MoveChampion) -> records.Champion:
        """Move a champion by compare-and-set."""
        return await asyncio.to_thread(self._store.move_champion, input)

    @activity.defn(name="move_together")
    async def move_together(self, input: groups.MoveTogether) -> groups.Moved:
        """Move several champions, or none."""
        return await asyncio.to_thread(self._store.move_together, input)

    @activity.defn(name="roll_back_together")
    async def roll_back_together(self, input: groups.PutBack) -> groups.Moved:
        """Put several champions back, or none."""
        return await asyncio.to_thread(self._store.roll_back_together, input)

    @activity.defn(name="set_weights")
    async def set_weights(self, input: deployments.SetWeights) -> Deployment:
        """Divide requests by compare-and-set."""
        return await asyncio.to_thread(self._store.set_weights, input)

    @activity.defn(name="read_serving")
    async def read_serving(self, input: deployments.ReadServing) -> Serving:
        """What is served, by whom, and what was answered."""
        return await asyncio.to_thread(self._store.read_serving, input)

    @activity.defn(name="set_model_status")
    async def set_model_status(self, input: records.SetModelStatus) -> records.Done:
        """Keep that a model was paused, resumed or retired."""
        return await asyncio.to_thread(self._store.set_model_status, input)

    @activity.defn(name="read_platform")
    async def read_platform(self, input: platform.ReadPlatform) -> platform.Platform:
        """Whether the platform is paused."""
        return await asyncio.to_thread(self._store.read_platform)

    @activity.defn(name="set_platform")
    async def set_platform(self, input: platform.SetPlatform) -> platform.Platform:
        """Keep that the platform was paused or resumed."""
        return await asyncio.to_thread(self._store.set_platform, input)

    @activity.defn(name="record_alias_moved")
    async def record_alias_moved(self, input: registry.RecordAliasMoved) -> records.Done:
        """Keep that an alias was moved by hand."""
        return await asyncio.to_thread(self._store.record_alias_moved, input)

    @activity.defn(name="raise_alert")
    async def raise_alert(self, input: alerts.RaiseAlert) -> alerts.Alert:
        """Keep an alert and whom it goes to."""
        return await asyncio.to_thread(self._store.raise_alert, input)

    @activity.defn(name="close_alert")
    async def close_alert(self, input: alerts.CloseAlert) -> records.Done:
        """Keep that an alert is over."""
        return await asyncio.to_thread(self._store.close_alert, input)
