"""Snapshots: listed, shown, and compared by what their profiles know."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from api.db.facts.specs import get_model
from api.db.tables import SnapshotRow, VersionRow
from api.queries.paging import page
from api.schemas.base import Page
from api.schemas.snapshots import ColumnChange, SnapshotDetail, SnapshotDiff, SnapshotSummary
from perennial.analysis.differing import compare
from perennial.analysis.judging import judge
from perennial.blobs import BlobCorrupt, BlobStore
from perennial.contracts.analysis import Verdict
from perennial.contracts.data import DatasetSnapshot, ProfileSummary, ReferenceProfile
from perennial.contracts.drift import ColumnDrift, DriftLimits, WindowVerdict
from perennial.contracts.errors import BadInput, NotFound


def list_snapshots(
    session: Session, model: str, cursor: str | None, limit: int
) -> Page[SnapshotSummary]:
    """Snapshots of a model, newest first. Raises NotFound."""
    get_model(session, model)
    statement = select(SnapshotRow).where(col(SnapshotRow.model) == model)
    key = [col(SnapshotRow.taken_at), col(SnapshotRow.digest)]
    rows, after = page(session, statement, key, cursor, limit)
    return Page(items=[_summary(_snapshot(row)) for row in rows], next_cursor=after)


def read_snapshot(session: Session, digest: str) -> SnapshotDetail:
    """A snapshot by its digest or the beginning of it. Raises NotFound, BadInput."""
    row = _row(session, digest)
    found = _snapshot(row)
    versions = session.scalars(
        select(col(VersionRow.version))
        .where(col(VersionRow.model) == row.model, col(VersionRow.snapshot_digest) == row.digest)
        .order_by(col(VersionRow.version))
    )
    return SnapshotDetail(
        **_summary(found).model_dump(),
        schema_={column.name: column.type for column in found.columns},
        transformation=found.transformation,
        watermark=found.watermark.model_dump() if found.watermark is not None else None,
        feature_views=found.feature_views,
        tags=found.tags,
        data=found.data.model_dump(),
        profile=row.profile,
        versions=list(versions),
    )


def compare_snapshots(session: Session, blobs: BlobStore, digest: str, other: str) -> SnapshotDiff:
    """What changed from the one to the other. Raises NotFound, BadInput."""
    rows = _row(session, digest), _row(session, other)
    before, after = (_snapshot(row) for row in rows)
    old, new = ({c.name: c.type for c in each.columns} for each in (before, after))
    judged, columns = _drift(blobs, rows, {**old, **new})
    return SnapshotDiff(
        before=_summary(before),
        after=_summary(after),
        rows=after.rows - before.rows,
        added={name: kind for name, kind in new.items() if name not in old},
        removed={name: kind for name, kind in old.items() if name not in new},
        retyped={n: (old[n], new[n]) for n in old if n in new and old[n] != new[n]},
        verdict=judged.verdict if judged is not None else None,
        reason=judged.reason
        if judged is not None
        else "columns were not compared: a profile was made before summaries were kept, or is gone",
        columns=columns,
    )


def _drift(
    blobs: BlobStore, rows: tuple[SnapshotRow, SnapshotRow], types: dict[str, str]
) -> tuple[WindowVerdict | None, list[ColumnChange]]:
    before, after = (_profile(blobs, row) for row in rows)
    if before is None or after is None:
        return None, []
    times = {name for name, kind in types.items() if kind.startswith("timestamp")}
    drift = compare(before, after, times)
    judged = judge(drift, DriftLimits())
    found: dict[str, Verdict] = {}
    for finding in judged.findings:
        if found.get(finding.column) != "fail":
            found[finding.column] = finding.verdict
    changes = [_change(each, found.get(each.column, "pass")) for each in drift.columns]
    return judged, sorted(changes, key=lambda each: (-(each.psi or 0.0), each.column))


def _change(drift: ColumnDrift, verdict: Verdict) -> ColumnChange:
    return ColumnChange(
        column=drift.column,
        kind=drift.kind,
        verdict="error" if drift.problem else verdict,
        problem=drift.problem,
        missing=(drift.reference.missing, drift.window.missing),
        psi=drift.psi,
        ks=drift.ks,
        out_of_range=drift.out_of_range,
        unknown=drift.unknown,
        new=list(drift.new),
        vanished=list(drift.vanished),
    )


def _profile(blobs: BlobStore, row: SnapshotRow) -> ProfileSummary | None:
    summary = ReferenceProfile.model_validate(row.profile).summary
    if summary is None:
        return None
    try:
        return ProfileSummary.model_validate_json(blobs.get_bytes(summary))
    except BlobCorrupt:
        return None


def _row(session: Session, digest: str) -> SnapshotRow:
    rows = session.scalars(
        select(SnapshotRow)
        .where(col(SnapshotRow.digest).startswith(digest))
        .order_by(col(SnapshotRow.taken_at).desc())
        .limit(50)
    ).all()
    digests = {row.digest for row in rows}
    if len(digests) > 1:
        raise BadInput(
            f"{len(digests)} snapshots begin with {digest}: "
            f"{', '.join(sorted(each[:16] for each in digests)[:5])}; give more characters"
        )
    if not rows:
        raise NotFound(f"there is no snapshot {digest}; list those of a model")
    return rows[0]


def _snapshot(row: SnapshotRow) -> DatasetSnapshot:
    return DatasetSnapshot.model_validate(row.snapshot)


def _summary(found: DatasetSnapshot) -> SnapshotSummary:
    return SnapshotSummary(
        **found.model_dump(
            include={
                *("model", "digest", "rows", "source_uri", "time_from", "time_to"),
                *("taken_at", "parent"),
            }
        ),
        columns=len(found.columns),
    )
