"""Data in: an immutable snapshot, its validation, its reference profile."""

from __future__ import annotations

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import BlobRef, Contract, Sha256, Utc
from perennial.contracts.data_plan import DataPlan
from perennial.contracts.drift import Kind
from perennial.contracts.feature_views import JoinedView
from perennial.contracts.spec import Source, Split, Task


class Column(Contract):
    """Name and Arrow type of one column."""

    name: str
    type: str


class TakeSnapshot(Contract):
    """Ask for a snapshot of a source as the project loads it."""

    run_id: str
    model: str
    project: str
    source: Source


class Watermark(Contract):
    """How far a snapshot has read its source: the largest value of a column.

    Attributes:
        column: its name.
        value: a time as ISO text, other values as they are.
    """

    column: str
    value: int | float | str


class DatasetSnapshot(Contract):
    """Content-addressed Parquet: the same rows always have the same digest.

    Attributes:
        transformation: digest of all that made rows of the source into these: the project's code
            and the source as the spec has it.
        parent: the snapshot that the rows which are not new were taken from.
        watermark: where the next snapshot goes on.
        feature_views: of a feature store, whose features were joined to the rows.
    """

    digest: Sha256
    model: str
    data: BlobRef
    rows: int = Field(ge=0)
    columns: tuple[Column, ...]
    source_uri: str
    time_from: Utc | None = None
    time_to: Utc | None = None
    taken_at: Utc
    tags: dict[str, str] = Field(default_factory=dict)
    transformation: Sha256 | None = None
    parent: Sha256 | None = None
    watermark: Watermark | None = None
    feature_views: tuple[JoinedView, ...] = ()


class ValidateSnapshot(Contract):
    """Check a snapshot against the project's schema."""

    run_id: str
    model: str
    project: str
    task: Task
    snapshot: DatasetSnapshot
    plan: DataPlan = DataPlan()
    split: Split | None = None
    seed: int = 0


class Violation(Contract):
    """One broken rule: which, where, how often, and the worst rows by key."""

    check: str
    column: str | None = None
    count: int
    rows: tuple[str, ...] = Field(default=(), description="keys of the worst rows, ten at most")
    message: str


class DataValidation(Contract):
    """What the schema and the standing checks said of a snapshot.

    Attributes:
        violations: why it is refused.
        warnings: what people should know, and refuses nothing.
        classes: of a classification, rows of each class, twenty at most.
        contradictions: of a classification, the share of rows whose label differs from that of
            most rows with the same inputs.
        shared_rows: the share of held-out rows that are equal to one that is trained on.
    """

    passed: bool
    rows: int
    checks: int
    violations: tuple[Violation, ...] = ()
    warnings: tuple[Violation, ...] = ()
    classes: dict[str, int] = Field(default_factory=dict)
    contradictions: float | None = None
    shared_rows: float | None = None

    def summary(self) -> str:
        """One sentence for a person."""
        if not self.passed:
            return "; ".join(v.message for v in self.violations)
        passed = f"{self.rows:,} rows passed {self.checks} checks"
        return "; ".join([passed, *(f"note: {each.message}" for each in self.warnings)])


class ProfileSnapshot(Contract):
    """Profile a snapshot with whylogs."""

    run_id: str
    model: str
    snapshot: DatasetSnapshot


class ColumnSummary(Contract):
    """What a profile knows of a column, for readers without the profile's library.

    Attributes:
        column: its name.
        kind: what most known values are.
        rows: with those that miss a value.
        missing: rows that do.
        quantiles: of numbers, the least of them, those that have equal shares of the others
            between them, and the largest.
        counts: of text and whole numbers, how often the most frequent are there.
        whole: whether `counts` holds every value.
    """

    column: str
    kind: Kind
    rows: int
    missing: int
    quantiles: tuple[float, ...] = ()
    counts: dict[str, int] = Field(default_factory=dict)
    whole: bool = False

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing


class ProfileSummary(Contract):
    """The columns of a profile."""

    rows: int
    columns: tuple[ColumnSummary, ...]


class ReferenceProfile(Contract):
    """The whylogs profile kept with a snapshot; later windows are compared with it.

    Attributes:
        blob: the profile.
        rows: of the snapshot.
        columns: how many.
        summary: a `ProfileSummary` as JSON.
    """

    blob: BlobRef
    rows: int
    columns: int
    summary: BlobRef | None = None


@activity.defn(name="take_snapshot")
async def take_snapshot(input: TakeSnapshot) -> DatasetSnapshot:
    """Load the source and keep it. Raises SourceInvalid, ProjectInvalid."""
    raise NotImplementedError


@activity.defn(name="validate_snapshot")
async def validate_snapshot(input: ValidateSnapshot) -> DataValidation:
    """Judge the rows; a broken rule is a result, not an error. Raises ProjectInvalid."""
    raise NotImplementedError


@activity.defn(name="profile_snapshot")
async def profile_snapshot(input: ProfileSnapshot) -> ReferenceProfile:
    """Make the reference profile of a snapshot."""
    raise NotImplementedError
