"""Data in: snapshot, validation, reference profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from temporalio import activity

from activities.work import in_thread, loading
from perennial.blobs import BlobStore
from perennial.canonical import canonical
from perennial.contracts.data import (
    DatasetSnapshot,
    DataValidation,
    ProfileSnapshot,
    ReferenceProfile,
    TakeSnapshot,
    ValidateSnapshot,
)

if TYPE_CHECKING:
    from activities.modelling.snapshots import Frames


class DataActivities:
    """Blobs hold what is made here; nothing is kept in the process but the last frames."""

    def __init__(self, blobs: BlobStore, frames: Frames) -> None:
        self._blobs = blobs
        self._frames = frames

    @activity.defn(name="take_snapshot")
    async def take_snapshot(self, input: TakeSnapshot) -> DatasetSnapshot:
        """Load the source and keep its rows."""
        return await in_thread(self._take, input)

    @activity.defn(name="validate_snapshot")
    async def validate_snapshot(self, input: ValidateSnapshot) -> DataValidation:
        """Judge the rows."""
        return await in_thread(self._validate, input)

    @activity.defn(name="profile_snapshot")
    async def profile_snapshot(self, input: ProfileSnapshot) -> ReferenceProfile:
        """Profile the rows."""
        return await in_thread(self._profile, input)

    def _take(self, input: TakeSnapshot) -> DatasetSnapshot:
        with loading():
            from activities.modelling import snapshots
            from activities.modelling.projects import load_project

            project = load_project(input.project)
        features = project.features()
        where = f"source {input.source.uri!r}"
        rows = snapshots.load_rows(project, input.source)
        snapshots.check_frame(rows, features, where)
        return snapshots.keep(
            self._blobs,
            snapshots.to_table(rows, features, where),
            features,
            model=input.model,
            source=input.source,
            tags={
                "project": input.project,
                "code": project.source_digest,
                "options": canonical(input.source.options).decode(),
            },
        )

    def _validate(self, input: ValidateSnapshot) -> DataValidation:
        with loading():
            from activities.modelling import checks
            from activities.modelling.projects import load_project

            project = load_project(input.project)
        return checks.validate(self._frames.read(input.snapshot), project, input.task)

    def _profile(self, input: ProfileSnapshot) -> ReferenceProfile:
        with loading():
            from activities.modelling.profiles import profile_frame
        rows = self._frames.read(input.snapshot)
        blob = self._blobs.put_bytes(profile_frame(rows, input.snapshot.taken_at))
        return ReferenceProfile(blob=blob, rows=len(rows), columns=len(rows.columns))
