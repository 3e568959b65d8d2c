"""Dataset snapshots, in documents of the HTTP interface."""

from __future__ import annotations

from typing import Any, TypedDict


class Snapshot(TypedDict):
    """The rows that a run used."""

    model: str
    digest: str
    rows: int
    columns: int
    source_uri: str
    time_from: str | None
    time_to: str | None
    taken_at: str
    parent: str | None


class FeatureView(TypedDict):
    """A view of a feature store, whose features are in a snapshot."""

    name: str
    digest: str
    features: list[str]


class SnapshotDetail(Snapshot):
    """A snapshot with how it was made, and what was made of it."""

    schema: dict[str, str]
    transformation: str | None
    watermark: dict[str, Any] | None
    feature_views: list[FeatureView]
    tags: dict[str, str]
    data: dict[str, Any]
    profile: dict[str, Any]
    versions: list[int]


class ColumnChange(TypedDict):
    """A column in both of two snapshots."""

    column: str
    kind: str
    verdict: str
    problem: str | None
    missing: list[float]
    psi: float | None
    ks: float | None
    out_of_range: float | None
    unknown: float | None
    new: list[str]
    vanished: list[str]


class SnapshotDiff(TypedDict):
    """What changed from one snapshot to another."""

    before: Snapshot
    after: Snapshot
    rows: int
    added: dict[str, str]
    removed: dict[str, str]
    retyped: dict[str, list[str]]
    verdict: str | None
    reason: str
    columns: list[ColumnChange]
