"""Dataset snapshots: the rows that runs used, and what lies between two of them."""

from __future__ import annotations

from fastapi import APIRouter

from api.auth import Someone
from api.context import Ctx
from api.documented import READS
from api.queries import snapshots as queries
from api.schemas.base import Cursor, Limit, ModelName, Page
from api.schemas.snapshots import Digest, SnapshotDetail, SnapshotDiff, SnapshotSummary
from perennial.blobs import BlobStore

router = APIRouter(prefix="/v1", tags=["data"])


@router.get("/models/{model}/snapshots", operation_id="list_snapshots", responses=READS)
def list_all(
    context: Ctx, principal: Someone, model: ModelName, cursor: Cursor = None, limit: Limit = 50
) -> Page[SnapshotSummary]:
    """Snapshots of a model, newest first."""
    with context.store.database.reading() as session:
        return queries.list_snapshots(session, model, cursor, limit)


@router.get("/snapshots/{digest}", operation_id="read_snapshot", responses=READS)
def read(context: Ctx, principal: Someone, digest: Digest) -> SnapshotDetail:
    """A snapshot with how it was made, and which versions learnt from it."""
    with context.store.database.reading() as session:
        return queries.read_snapshot(session, digest)


@router.get("/snapshots/{digest}/diff/{other}", operation_id="compare_snapshots", responses=READS)
def diff(context: Ctx, principal: Someone, digest: Digest, other: Digest) -> SnapshotDiff:
    """What changed from one snapshot to another: columns, counts, and drift by column."""
    with context.store.database.reading() as session:
        return queries.compare_snapshots(session, BlobStore(context.settings.blobs), digest, other)
