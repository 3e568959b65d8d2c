"""Models, specs, champions and versions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlmodel import Session, col

from api.db.facts.specs import get_model
from api.db.facts.versions import get_version, newest_evidence
from api.db.tables import (
    ApprovalRow,
    ChampionHistoryRow,
    ChampionRow,
    EvidenceRow,
    ModelRow,
    RunRow,
    SpecRow,
    VersionRow,
    VoteRow,
)
from api.queries.blobs import read_json
from api.queries.paging import page
from api.schemas.base import Page
from api.schemas.models import (
    ChampionDetail,
    EvidenceDetail,
    ModelDetail,
    Reign,
    SpecDetail,
    VersionDetail,
    VersionSummary,
)
from perennial.blobs import BlobStore
from perennial.contracts.errors import NotFound
from perennial.contracts.lifecycle import ModelState
from perennial.contracts.spec import ENVIRONMENTS, ModelSpec


def list_models(session: Session, cursor: str | None, limit: int) -> Page[ModelDetail]:
    """Models by name."""
    rows, after = page(
        session, select(ModelRow), [col(ModelRow.name)], cursor, limit, ascending=True
    )
    return Page(items=[_detail(session, row) for row in rows], next_cursor=after)


def read_model(session: Session, name: str) -> ModelDetail:
    """A model and what it is doing now. Raises NotFound."""
    return _detail(session, get_model(session, name))


def read_spec(session: Session, model: str, version: int | None) -> SpecDetail:
    """The spec that counts, or an earlier one. Raises NotFound."""
    wanted = version or get_model(session, model).spec_version
    row = session.get(SpecRow, (model, wanted))
    if row is None:
        raise NotFound(f"model {model!r} has no spec version {wanted}; leave it out for the newest")
    return SpecDetail(
        model=model,
        version=row.version,
        applied_at=row.at,
        applied_by=row.actor,
        digest=row.digest,
        spec=row.spec,
    )


def read_state(session: Session, name: str) -> ModelState:
    """What a model's workflow starts with, should it have to start anew. Raises NotFound."""
    model = get_model(session, name)
    spec = session.get_one(SpecRow, (name, model.spec_version)).spec
    return ModelState(
        model=name,
        spec=ModelSpec.model_validate(spec),
        spec_version=model.spec_version,
        status=model.status,
    )


def read_champions(session: Session, model: str) -> list[ChampionDetail]:
    """The champion of each environment that ever had one, in the usual order. Raises NotFound."""
    get_model(session, model)
    rows = session.execute(
        select(ChampionHistoryRow, ChampionRow)
        .join(
            ChampionRow,
            (col(ChampionRow.model) == col(ChampionHistoryRow.model))
            & (col(ChampionRow.environment) == col(ChampionHistoryRow.environment))
            & (col(ChampionRow.epoch) == col(ChampionHistoryRow.epoch)),
        )
        .where(col(ChampionRow.model) == model)
    ).all()
    champions = [ChampionDetail.model_validate(history) for history, _ in rows]
    return sorted(champions, key=lambda champion: ENVIRONMENTS.index(champion.environment))


def read_move(session: Session, model: str, environment: str, epoch: int) -> ChampionDetail:
    """What one move of a champion led to."""
    row = session.get_one(ChampionHistoryRow, (model, environment, epoch))
    return ChampionDetail.model_validate(row)


def read_history(
    session: Session,
    model: str,
    environment: str | None,
    at: datetime | None,
    cursor: str | None,
    limit: int,
) -> Page[Reign]:
    """Every champion there was, newest first; with `at` only those of then. Raises NotFound."""
    get_model(session, model)
    statement = select(ChampionHistoryRow).where(col(ChampionHistoryRow.model) == model)
    if environment is not None:
        statement = statement.where(col(ChampionHistoryRow.environment) == environment)
    if at is not None:
        until = col(ChampionHistoryRow.until)
        statement = statement.where(
            col(ChampionHistoryRow.since) <= at, until.is_(None) | (until > at)
        )
    key = [
        col(ChampionHistoryRow.since),
        col(ChampionHistoryRow.environment),
        col(ChampionHistoryRow.epoch),
    ]
    rows, after = page(session, statement, key, cursor, limit)
    return Page(items=[_reign(session, row) for row in rows], next_cursor=after)


def list_versions(
    session: Session, model: str, cursor: str | None, limit: int
) -> Page[VersionSummary]:
    """Versions of a model, newest first. Raises NotFound."""
    get_model(session, model)
    statement = select(VersionRow).where(col(VersionRow.model) == model)
    rows, after = page(session, statement, [col(VersionRow.version)], cursor, limit)
    items = [_version(session, row, newest_evidence(session, model, row.version)) for row in rows]
    return Page(items=items, next_cursor=after)


def read_version(session: Session, model: str, version: int) -> VersionDetail:
    """A version with the evidence that counts. Raises NotFound."""
    row = get_version(session, model, version)
    evidence = newest_evidence(session, model, version)
    registration = {"mlflow_run_id": row.mlflow_run_id, "mlflow_version": row.mlflow_version}
    return VersionDetail(
        **_version(session, row, evidence).model_dump(),
        evidence=evidence.evidence if evidence else None,
        evidence_digest=evidence.digest if evidence else None,
        snapshot=row.snapshot,
        training=row.trained,
        exported=row.exported,
        registration=registration if row.mlflow_version else None,
    )


def read_evidence(session: Session, blobs: BlobStore, model: str, version: int) -> EvidenceDetail:
    """The evidence of a version that counts, with its details. Raises NotFound."""
    get_version(session, model, version)
    row = newest_evidence(session, model, version)
    if row is None:
        raise NotFound(
            f"version {version} of model {model!r} has no evidence: its run ended before there "
            f"was any; run the model again"
        )
    ref = (row.evidence.get("examined") or {}).get("details")
    return EvidenceDetail(
        model=model,
        version=version,
        evidence=row.evidence,
        evidence_digest=row.digest,
        details=read_json(blobs, ref),
    )


def _detail(session: Session, model: ModelRow) -> ModelDetail:
    spec = session.get_one(SpecRow, (model.name, model.spec_version)).spec
    under_way = session.scalars(
        select(col(RunRow.run_id))
        # one that trains a version again waits for no other, and none waits for it
        .where(
            col(RunRow.model) == model.name,
            col(RunRow.status) != "finished",
            col(RunRow.kind) != "reproduction",
        )
        .order_by(col(RunRow.created_at), col(RunRow.run_id))
    )
    return ModelDetail(
        **{key: spec[key] for key in ("description", "task", "risk_tier", "owners", "project")},
        name=model.name,
        status=model.status,
        environments=spec["environments"],
        spec_version=model.spec_version,
        updated_at=model.updated_at,
        champions=read_champions(session, model.name),
        runs_under_way=list(under_way),
    )


def _reign(session: Session, row: ChampionHistoryRow) -> Reign:
    voters = session.scalars(
        select(col(VoteRow.by))
        .join(ApprovalRow, col(ApprovalRow.approval_id) == col(VoteRow.approval_id))
        .where(
            col(ApprovalRow.run_id) == row.run_id,
            col(ApprovalRow.environment) == row.environment,
            col(ApprovalRow.status) == "approved",
            col(VoteRow.approve),
        )
        .order_by(col(VoteRow.at), col(VoteRow.by))
    )
    approved_by = list(dict.fromkeys(voters)) if row.cause == "promotion" else []
    return Reign.model_validate({**row.model_dump(), "approved_by": approved_by})


def _version(session: Session, row: VersionRow, evidence: EvidenceRow | None) -> VersionSummary:
    champion_in = session.scalars(
        select(col(ChampionRow.environment)).where(
            col(ChampionRow.model) == row.model, col(ChampionRow.version) == row.version
        )
    )
    return VersionSummary(
        model=row.model,
        version=row.version,
        run_id=row.run_id,
        author=row.author,
        created_at=row.created_at,
        metrics=evidence.evidence["metrics"] if evidence else {},
        champion_in=sorted(champion_in, key=ENVIRONMENTS.index),
    )
