"""Windows: what monitoring found in a champion's requests, and what came of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from api.auth import Someone
from api.context import Ctx
from api.documented import READS
from api.queries import windows as queries
from api.schemas.base import (
    Cursor,
    EnvironmentFilter,
    Instant,
    Limit,
    ModelName,
    Page,
)
from api.schemas.windows import WindowDetail, WindowSummary
from perennial.blobs import BlobStore
from perennial.contracts.spec import Environment

router = APIRouter(prefix="/v1/models/{model}/windows", tags=["monitoring"])

Where = Annotated[Environment, Path(description="An environment.", examples=["production"])]
Start = Annotated[
    Instant,
    Path(
        description="When the window begins (RFC 3339).",
        examples=["2026-03-02T00:00:00Z"],
    ),
]


@router.get("", operation_id="list_windows", responses=READS)
def list_all(
    context: Ctx,
    principal: Someone,
    model: ModelName,
    environment: EnvironmentFilter = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[WindowSummary]:
    """Windows that were judged, newest first."""
    with context.store.database.reading() as session:
        return queries.list_windows(session, model, environment, cursor, limit)


@router.get("/{environment}/{start}", operation_id="read_window", responses=READS)
def read(
    context: Ctx, principal: Someone, model: ModelName, environment: Where, start: Start
) -> WindowDetail:
    """A window with all that was measured in it."""
    with context.store.database.reading() as session:
        return queries.read_window(
            session, BlobStore(context.settings.blobs), model, environment, start
        )
