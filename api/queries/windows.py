"""Windows: what was found in each, what their labels say, and what was done."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from api.db.facts.specs import get_model
from api.db.facts.versions import newest_evidence
from api.db.monitoring_tables import WindowRow
from api.queries.blobs import read_json
from api.queries.paging import page
from api.schemas.base import Json, Page
from api.schemas.windows import WindowDetail, WindowSummary
from perennial.blobs import BlobStore
from perennial.contracts.errors import NotFound

Promised = dict[int, dict[str, float]]
_DETAILS = {"judged", "quality", "errors", "judged_at", "quality_at", "swept_at"}


def list_windows(
    session: Session, model: str, environment: str | None, cursor: str | None, limit: int
) -> Page[WindowSummary]:
    """Windows by their starts, newest first. Raises NotFound."""
    get_model(session, model)
    statement = select(WindowRow).where(col(WindowRow.model) == model)
    if environment is not None:
        statement = statement.where(col(WindowRow.environment) == environment)
    key = [col(WindowRow.start), col(WindowRow.environment), col(WindowRow.version)]
    rows, after = page(session, statement, key, cursor, limit)
    promised = _promised(session, model, rows)
    items = [WindowSummary.model_validate(_summary(row, promised)) for row in rows]
    return Page(items=items, next_cursor=after)


def read_window(
    session: Session, blobs: BlobStore, model: str, environment: str, start: datetime
) -> WindowDetail:
    """The window that begins at an instant; of several versions, that which was judged last.

    Raises:
        NotFound: none begins there.
    """
    get_model(session, model)
    row = session.scalars(
        select(WindowRow)
        .where(
            col(WindowRow.model) == model,
            col(WindowRow.environment) == environment,
            col(WindowRow.start) == start,
        )
        .order_by(col(WindowRow.judged_at).desc(), col(WindowRow.version).desc())
        .limit(1)
    ).first()
    if row is None:
        raise NotFound(
            f"no window of {model} in {environment} begins at {start.isoformat()}; list the "
            f"model's windows to see which were judged"
        )
    return WindowDetail.model_validate(
        {
            **_summary(row, _promised(session, model, [row])),
            "judged_at": row.judged_at,
            "judged": row.judged,
            "drift": read_json(blobs, row.judged.get("details")),
            "swept_at": row.swept_at,
            "quality_at": row.quality_at,
            "quality": row.quality,
        }
    )


def _summary(row: WindowRow, promised: Promised) -> Json:
    quality = row.quality or {}
    return {
        **row.model_dump(exclude=_DETAILS),
        "answers": row.judged.get("answers"),
        "coverage": row.labelled / row.rows if row.rows else None,
        "metrics": quality.get("metrics", {}),
        "promised": quality.get("promised") or promised.get(row.version, {}),
    }


def _promised(session: Session, model: str, rows: list[WindowRow]) -> Promised:
    """Metrics of the evidence that counts, by version."""
    found = {version: newest_evidence(session, model, version) for version in _versions(rows)}
    return {v: evidence.evidence["metrics"] for v, evidence in found.items() if evidence}


def _versions(rows: list[WindowRow]) -> set[int]:
    return {row.version for row in rows}
