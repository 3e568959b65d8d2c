"""All that is recorded of a version, as its card tells it."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from api.db.facts.versions import read_version
from api.db.monitoring_tables import WindowRow
from api.db.tables import (
    ApprovalRow,
    ChampionHistoryRow,
    DecisionRow,
    RunRow,
    SpecRow,
    VoteRow,
)
from api.queries.blobs import read_json
from perennial.blobs import BlobStore
from perennial.card.known import Asked, Judged, Known, Reigned, Seen, Voted
from perennial.contracts.records import ReadVersion
from perennial.contracts.spec import ModelSpec

_WINDOWS = 40


def read_known(session: Session, blobs: BlobStore, model: str, version: int) -> Known:
    """What is known of a version. Raises NotFound when it, or its evidence, is not there."""
    record = read_version(session, ReadVersion(model=model, version=version))
    run = session.get_one(RunRow, record.run_id)
    spec = ModelSpec.model_validate(session.get_one(SpecRow, (model, run.spec_version)).spec)
    examined = record.evidence.examined
    details = examined.details if examined else None
    watched, seen = _seen(session, model, version, spec)
    return Known(
        spec=spec,
        record=record,
        details=read_json(blobs, details.model_dump() if details else None),
        judged=_judged(session, model, version),
        asked=_asked(session, model, version),
        reigned=_reigned(session, model, version),
        watched=watched,
        seen=seen,
    )


def _judged(session: Session, model: str, version: int) -> list[Judged]:
    rows = session.scalars(
        select(DecisionRow)
        .where(col(DecisionRow.model) == model, col(DecisionRow.version) == version)
        .order_by(col(DecisionRow.decided_at), col(DecisionRow.decision_id))
    )
    return [
        Judged(
            decision_id=row.decision_id,
            environment=row.environment,
            outcome=row.outcome,
            at=row.decided_at,
            reasons=row.reasons,
            warnings=row.warnings,
            policy=row.policy_digest,
        )
        for row in rows
        if row.kind == "promotion"
    ]


def _asked(session: Session, model: str, version: int) -> list[Asked]:
    rows = session.scalars(
        select(ApprovalRow)
        .where(col(ApprovalRow.model) == model, col(ApprovalRow.version) == version)
        .order_by(col(ApprovalRow.opened_at), col(ApprovalRow.approval_id))
    )
    return [
        Asked(row.environment, row.status, row.opened_at, row.required, _votes(session, row))
        for row in rows
    ]


def _votes(session: Session, approval: ApprovalRow) -> list[Voted]:
    rows = session.scalars(
        select(VoteRow)
        .where(col(VoteRow.approval_id) == approval.approval_id)
        .order_by(col(VoteRow.at), col(VoteRow.by))
    )
    return [Voted(row.by, row.approve, row.at, row.comment) for row in rows]


def _reigned(session: Session, model: str, version: int) -> list[Reigned]:
    history = ChampionHistoryRow
    rows = session.scalars(
        select(history)
        .where(col(history.model) == model, col(history.version) == version)
        .order_by(col(history.since), col(history.environment), col(history.epoch))
    )
    return [
        Reigned(row.environment, row.since, row.until, row.cause, row.actor, row.reason)
        for row in rows
    ]


def _seen(session: Session, model: str, version: int, spec: ModelSpec) -> tuple[str, list[Seen]]:
    """Its newest windows in the last environment that has any."""
    for environment in reversed(spec.environments):
        rows = session.scalars(
            select(WindowRow)
            .where(
                col(WindowRow.model) == model,
                col(WindowRow.environment) == environment,
                col(WindowRow.version) == version,
            )
            .order_by(col(WindowRow.start).desc())
            .limit(_WINDOWS)
        ).all()
        if rows:
            return environment, [_window(row) for row in reversed(rows)]
    return "", []


def _window(row: WindowRow) -> Seen:
    drift = row.judged["drift"]
    most = max(drift.get("moved") or (), key=lambda each: each["psi"], default=None)
    judged = row.verdict not in ("no_data", "error")
    return Seen(
        start=row.start,
        end=row.end,
        rows=row.rows,
        verdict=row.verdict,
        reason=row.reason,
        moved=most["psi"] if most else 0.0 if judged else None,
        column=most["column"] if most else "no column",
        quality=row.quality_verdict,
        metrics=(row.quality or {}).get("metrics", {}),
    )
