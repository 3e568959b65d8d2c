"""Data in: an immutable snapshot, its validation, its reference profile."""

from __future__ import annotations

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import BlobRef, Contract, Sha256, Utc
from perennial.contracts.spec import Source, Task


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


class DatasetSnapshot(Contract):
    """Content-addressed Parquet: the same rows always have the same digest."""

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


class ValidateSnapshot(Contract):
    """Check a snapshot against the project's schema."""

    run_id: str
    model: str
    project: str
    task: Task
    snapshot: DatasetSnapshot


class Violation(Contract):
    """One broken rule: which, where, how often, and the first few rows by key."""

    check: str
    column: str | None = None
    count: int
    rows: tuple[str, ...] = Field(default=(), description="keys of the first rows, ten at most")
    message: str


class DataValidation(Contract):
    """What the schema and the standing checks said of a snapshot."""

    passed: bool
    rows: int
    checks: int
    violations: tuple[Violation, ...] = ()

    def summary(self) -> str:
        """One sentence for a person."""
        if self.passed:
            return f"{self.rows:,} rows passed {self.checks} checks"
        return "; ".join(v.message for v in self.violations)


class ProfileSnapshot(Contract):
    """Profile a snapshot with whylogs."""

    run_id: str
    model: str
    snapshot: DatasetSnapshot


class ReferenceProfile(Contract):
    """The whylogs profile kept with a snapshot; later windows are compared with it."""

    blob: BlobRef
    rows: int
    columns: int


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
