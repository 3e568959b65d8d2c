"""Dataset snapshots, and what lies between two of them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path
from pydantic import AwareDatetime, Field

from api.schemas.base import Answer
from perennial.contracts.analysis import Verdict
from perennial.contracts.feature_views import JoinedView

Digest = Annotated[
    str,
    Path(
        pattern=r"^[0-9a-f]{6,64}$",
        description="A snapshot's digest, or the first six characters of it, or more.",
        examples=["3f9a1c"],
    ),
]


class SnapshotSummary(Answer):
    """The rows that a run used."""

    model: str
    digest: str
    rows: int
    columns: int
    source_uri: str
    time_from: AwareDatetime | None
    time_to: AwareDatetime | None
    taken_at: AwareDatetime
    parent: str | None = Field(description="the snapshot that the rows which were not new are of")


class SnapshotDetail(SnapshotSummary):
    """A snapshot with how it was made, and what was made of it."""

    schema_: dict[str, str] = Field(
        serialization_alias="schema", description="the columns' Arrow types by name, in their order"
    )
    transformation: str | None = Field(description="digest of the code and source that made it")
    watermark: dict[str, Any] | None = Field(description="how far the source was read")
    feature_views: tuple[JoinedView, ...] = Field(
        description="of a feature store, joined to the rows, with digests of their definitions"
    )
    tags: dict[str, str]
    data: dict[str, Any] = Field(description="where the Parquet file is, and its SHA-256")
    profile: dict[str, Any]
    versions: list[int] = Field(description="versions that were trained on it")


class ColumnChange(Answer):
    """A column in both snapshots."""

    column: str
    kind: str
    verdict: Verdict = Field(description="fail: it moved; inconclusive: it may have")
    problem: str | None
    missing: tuple[float, float] = Field(description="shares before and after")
    psi: float | None
    ks: float | None
    out_of_range: float | None
    unknown: float | None
    new: list[str]
    vanished: list[str]


class SnapshotDiff(Answer):
    """What changed from one snapshot to another."""

    before: SnapshotSummary
    after: SnapshotSummary
    rows: int = Field(description="more rows; fewer are negative")
    added: dict[str, str] = Field(description="columns that are new, with their types")
    removed: dict[str, str]
    retyped: dict[str, tuple[str, str]] = Field(description="types before and after")
    verdict: Verdict | None = Field(description="none: one of them has no summary of its profile")
    reason: str
    columns: list[ColumnChange] = Field(description="what moved most first; times are left out")
