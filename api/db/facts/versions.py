"""Snapshots, versions and their evidence."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import Session, col, select

from api.db import journal
from api.db.facts.runs import get_run
from api.db.facts.specs import get_model
from api.db.tables import EvidenceRow, SnapshotRow, VersionRow
from perennial.contracts.data import DatasetSnapshot, ReferenceProfile
from perennial.contracts.errors import NotFound
from perennial.contracts.policy import Evidence
from perennial.contracts.records import (
    Done,
    ReadVersion,
    RecordEvidence,
    RecordSnapshot,
    RecordVersion,
    VersionRecord,
    VersionRecorded,
)
from perennial.contracts.training import ChampionModel, ExportedModel, TrainedModel

_LOOKED_AT = 100
"""Snapshots; a way of making them that none of so many has is not worth going on from."""


def get_version(session: Session, model: str, version: int) -> VersionRow:
    """The row of a version. Raises NotFound."""
    row = session.get(VersionRow, (model, version))
    if row is None:
        raise NotFound(
            f"there is no version {version} of model {model!r}; list its versions to see which "
            f"there are"
        )
    return row


def as_champion(row: VersionRow) -> ChampionModel:
    """A version as one that others are measured against."""
    return ChampionModel(version=row.version, onnx=ExportedModel.model_validate(row.exported).onnx)


def newest_evidence(session: Session, model: str, version: int) -> EvidenceRow | None:
    """The evidence that counts now, if any was recorded."""
    return session.exec(
        select(EvidenceRow)
        .where(EvidenceRow.model == model, EvidenceRow.version == version)
        .order_by(col(EvidenceRow.id).desc())
        .limit(1)
    ).first()


def record_snapshot(session: Session, input: RecordSnapshot) -> Done:
    """Keep a snapshot and its profile; the same rows taken again are the same snapshot."""
    done = Done(effect=input.effect)
    if journal.find(session, input.effect, "snapshot.taken") is not None:
        return done
    snapshot = input.snapshot
    get_model(session, snapshot.model)
    if session.get(SnapshotRow, (snapshot.model, snapshot.digest)) is None:
        session.add(
            SnapshotRow(
                model=snapshot.model,
                digest=snapshot.digest,
                rows=snapshot.rows,
                source_uri=snapshot.source_uri,
                taken_at=snapshot.taken_at,
                snapshot=snapshot.model_dump(mode="json"),
                profile=input.profile.model_dump(mode="json"),
            )
        )
    journal.append(
        session,
        at=snapshot.taken_at,
        actor=journal.PLATFORM,
        kind="snapshot.taken",
        model=snapshot.model,
        subject=snapshot.digest,
        body={
            "run_id": input.run_id,
            "rows": snapshot.rows,
            "source_uri": snapshot.source_uri,
            "data": snapshot.data.sha256,
            "profile": input.profile.blob.sha256,
        },
        effect=input.effect,
    )
    return done


def newest_snapshot(
    session: Session, model: str, transformation: str | None
) -> tuple[DatasetSnapshot, ReferenceProfile] | None:
    """The newest of a model, of those that were made in the same way where one is named."""
    rows = session.exec(
        select(SnapshotRow)
        .where(SnapshotRow.model == model)
        .order_by(col(SnapshotRow.taken_at).desc(), col(SnapshotRow.digest))
        .limit(_LOOKED_AT)
    )
    for row in rows:
        if transformation is None or row.snapshot.get("transformation") == transformation:
            return (
                DatasetSnapshot.model_validate(row.snapshot),
                ReferenceProfile.model_validate(row.profile),
            )
    return None


def record_version(session: Session, input: RecordVersion) -> VersionRecorded:
    """Give the next number of the model; the same run gets the same number again."""
    if body := journal.find(session, input.effect, "version.created"):
        return VersionRecorded(model=input.model, version=body["version"])
    known = session.exec(select(VersionRow).where(VersionRow.run_id == input.run_id)).first()
    if known is not None:
        return VersionRecorded(model=known.model, version=known.version)
    run = get_run(session, input.run_id)
    number = (
        1
        + session.exec(
            select(func.coalesce(func.max(VersionRow.version), 0)).where(
                col(VersionRow.model) == input.model
            )
        ).one()
    )
    session.add(
        VersionRow(
            model=input.model,
            version=number,
            run_id=input.run_id,
            author=input.author,
            snapshot_digest=input.snapshot.digest,
            snapshot=input.snapshot.model_dump(mode="json"),
            trained=input.trained.model_dump(mode="json"),
            exported=input.exported.model_dump(mode="json"),
            created_at=input.at,
        )
    )
    run.version = number
    session.add(run)
    journal.append(
        session,
        at=input.at,
        actor=input.author,
        kind="version.created",
        model=input.model,
        subject=f"{input.model}/{number}",
        body={
            "version": number,
            "run_id": input.run_id,
            "snapshot": input.snapshot.digest,
            "weights": input.trained.weights.sha256,
            "preprocessing": input.trained.preprocessing.sha256,
            "code": input.trained.code.source_digest,
            "onnx": input.exported.onnx.sha256,
        },
        effect=input.effect,
    )
    return VersionRecorded(model=input.model, version=number)


def record_evidence(session: Session, input: RecordEvidence) -> Done:
    """Keep evidence beside its version; the same evidence is kept once."""
    done = Done(effect=input.effect)
    if journal.find(session, input.effect, "evidence.recorded") is not None:
        return done
    evidence = input.evidence
    get_version(session, evidence.model, evidence.version)
    known = session.exec(
        select(EvidenceRow).where(
            EvidenceRow.model == evidence.model,
            EvidenceRow.version == evidence.version,
            EvidenceRow.digest == input.evidence_digest,
        )
    ).first()
    if known is None:
        session.add(
            EvidenceRow(
                model=evidence.model,
                version=evidence.version,
                digest=input.evidence_digest,
                run_id=evidence.run_id,
                evidence=evidence.model_dump(mode="json"),
                produced_at=evidence.produced_at,
            )
        )
    journal.append(
        session,
        at=evidence.produced_at,
        actor=journal.PLATFORM,
        kind="evidence.recorded",
        model=evidence.model,
        subject=input.evidence_digest,
        body={"version": evidence.version, "run_id": evidence.run_id},
        effect=input.effect,
    )
    return done


def read_version(session: Session, input: ReadVersion) -> VersionRecord:
    """All that is known of a version. Raises NotFound when it, or its evidence, is not there."""
    row = get_version(session, input.model, input.version)
    evidence = newest_evidence(session, input.model, input.version)
    if evidence is None:
        raise NotFound(
            f"version {input.version} of model {input.model!r} has no evidence: its run "
            f"{row.run_id} ended before it was measured; start a new run"
        )
    return VersionRecord(
        model=row.model,
        version=row.version,
        run_id=row.run_id,
        author=row.author,
        snapshot=DatasetSnapshot.model_validate(row.snapshot),
        trained=TrainedModel.model_validate(row.trained),
        exported=ExportedModel.model_validate(row.exported),
        evidence=Evidence.model_validate(evidence.evidence),
        evidence_digest=evidence.digest,
    )


def set_registration(
    session: Session, model: str, version: int, mlflow_run: str, mlflow: str
) -> None:
    """Keep where MLflow has a version."""
    row = get_version(session, model, version)
    row.mlflow_run_id = mlflow_run
    row.mlflow_version = mlflow
    session.add(row)


def mlflow_versions(session: Session, model: str) -> dict[int, str]:
    """MLflow's version by ours."""
    rows = session.exec(
        select(VersionRow.version, VersionRow.mlflow_version).where(
            VersionRow.model == model, col(VersionRow.mlflow_version).is_not(None)
        )
    )
    return {version: str(mlflow) for version, mlflow in rows}
