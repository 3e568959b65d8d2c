"""Data in: snapshot, validation, reference profile."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol

from temporalio import activity

from activities.work import in_thread, loading
from perennial.authoring import feature_views
from perennial.blobs import BlobStore
from perennial.canonical import canonical, digest
from perennial.contracts.data import (
    DatasetSnapshot,
    DataValidation,
    ProfileSnapshot,
    ProfileSummary,
    ReferenceProfile,
    TakeSnapshot,
    ValidateSnapshot,
)
from perennial.contracts.spec import Source

if TYPE_CHECKING:
    from activities.modelling.data.snapshots import Frames
    from activities.modelling.projects import Project
    from perennial.authoring import Features


class KnownSnapshots(Protocol):
    """What is asked of the records about snapshots of earlier runs."""

    def newest_snapshot(
        self, model: str, transformation: str | None = None
    ) -> tuple[DatasetSnapshot, ReferenceProfile] | None:
        """The newest of a model, of those that were made in the same way where one is named."""


class DataActivities:
    """Blobs hold what is made here; nothing is kept in the process but the last frames.

    Without `known` every run is the first: all of a source is read, and nothing was learnt.
    """

    def __init__(
        self, blobs: BlobStore, frames: Frames, known: KnownSnapshots | None = None
    ) -> None:
        self._blobs = blobs
        self._frames = frames
        self._known = known

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
            from activities.modelling.data import arriving, snapshots
            from activities.modelling.projects import load_project

            project = load_project(input.project)
        features = project.features()
        source, made_by = input.source, {}
        views = feature_views.describe(source)
        if views:
            made_by["feature_views"] = feature_views.definitions(views)
            source = source.as_defined(made_by["feature_views"])
        transformation = digest(
            {
                "project": input.project,
                "code": project.source_digest,
                "source": source.model_dump(mode="json", exclude={"as_of"}),
                **made_by,
            }
        )
        keep = partial(
            snapshots.keep,
            self._blobs,
            features=features,
            model=input.model,
            source=source,
            tags={
                "project": input.project,
                "code": project.source_digest,
                "options": canonical(source.options).decode(),
            },
            transformation=transformation,
            feature_views=views,
        )
        parent = self._parent(input, transformation)
        if parent is not None:
            snapshot = self._added(project, features, source, parent, keep)
            if snapshot is not None:
                return snapshot
        return keep(arriving.rows_of(project, source, features))

    def _parent(self, input: TakeSnapshot, transformation: str) -> DatasetSnapshot | None:
        if input.source.watermark is None or self._known is None:
            return None
        found = self._known.newest_snapshot(input.model, transformation)
        return found[0] if found is not None else None

    def _added(
        self,
        project: Project,
        features: Features,
        source: Source,
        parent: DatasetSnapshot,
        keep: Callable[..., DatasetSnapshot],
    ) -> DatasetSnapshot | None:
        """The parent with what is new, or the parent itself; None where all has to be read."""
        from activities.modelling.data import arriving, increments

        since = increments.goes_on_from(source, parent)
        if since is None:
            return None
        fresh = arriving.rows_of(project, since, features)
        path = self._blobs.get(parent.data)
        with increments.added(fresh, path, parent, since, features.key) as rows:
            if rows is None:
                return None
            made = keep(rows, parent=parent)
        return parent if made.digest == parent.digest else made

    def _validate(self, input: ValidateSnapshot) -> DataValidation:
        with loading():
            from activities.modelling.projects import load_project
            from activities.modelling.validation import checks

            project = load_project(input.project)
        return checks.validate(
            self._frames.parted(input.snapshot),
            project,
            input.task,
            input.plan,
            input.split,
            input.seed,
            self._reference(input),
        )

    def _reference(self, input: ValidateSnapshot) -> ProfileSummary | None:
        """Of the rows before: what was kept was valid."""
        if input.plan.learnt is None or self._known is None:
            return None
        found = self._known.newest_snapshot(input.model)
        if found is None or found[1].summary is None:
            return None
        return ProfileSummary.model_validate_json(self._blobs.get_bytes(found[1].summary))

    def _profile(self, input: ProfileSnapshot) -> ReferenceProfile:
        with loading():
            from activities.modelling.data import parted
            from activities.modelling.data.profiles import profile_and_read, profile_parts
            from activities.modelling.data.summaries import summarize
        snapshot = input.snapshot
        rows = self._frames.at_hand(snapshot)
        if rows is None:  # a part at a time, since nobody else needed all of them
            path = self._blobs.get(snapshot.data)
            gaps = parted.columns_with_gaps(path)
            profile, sketches = profile_parts(parted.parts(path), gaps, snapshot.taken_at)
        else:
            profile, sketches = profile_and_read(rows, snapshot.taken_at, use="reference")
        return ReferenceProfile(
            blob=self._blobs.put_bytes(profile),
            rows=snapshot.rows,
            columns=len(sketches),
            summary=self._blobs.put_bytes(summarize(sketches).model_dump_json().encode()),
        )
