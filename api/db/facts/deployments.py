"""Deployments: which version answers which part of a model's requests, fenced by an epoch.

A champion that moves takes all requests with it, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from api.db import events, journal
from api.db.facts.platform import refuse_while_held
from api.db.facts.specs import get_model, living_model
from api.db.facts.versions import as_champion, get_version
from api.db.tables import ChampionRow, DeploymentRow
from perennial.contracts.base import Json
from perennial.contracts.deployments import SetWeights, Share
from perennial.contracts.errors import NotFound, StaleEpoch
from perennial.contracts.request_log import RequestLog
from perennial.contracts.serving import CHAMPION, WHOLE, Deployment, Variant


def set_weights(session: Session, input: SetWeights) -> Deployment | StaleEpoch:
    """Divide the requests as asked, if nobody changed the deployment since.

    Raises:
        PlatformPaused, ModelPaused: no version gets more requests at present. Giving them back to
            the champion is never held.
        ModelRetired: nothing of this model is served any more.
        NotFound: there is no such model or version, or it has no champion there.
    """
    if body := journal.find(session, input.effect, "deployment.changed"):
        row = get_deployment(session, input.model, input.environment)
        shares = [Share.model_validate(share) for share in body["shares"]]
        return as_deployment(session, _at(row, body["epoch"], shares))
    model = living_model(session, input.model)
    if input.variants:
        refuse_while_held(session, model)
    row = get_deployment(session, input.model, input.environment)
    if row.epoch != input.expected_epoch:
        return StaleEpoch(
            f"the deployment of {input.model} in {input.environment} is at epoch {row.epoch}, not "
            f"at {input.expected_epoch}: it has been changed meanwhile; look at it and ask again",
            expected=input.expected_epoch,
            found=row.epoch,
        )
    shares = list(input.variants) or _alone(session, input.model, input.environment)
    for share in shares:
        get_version(session, input.model, share.version)
    _write(
        session,
        row,
        shares,
        run_id=input.run_id if input.variants else None,
        entity=input.entity,
        slow_seconds=input.slow_seconds,
        tolerance=input.tolerance,
        at=input.at,
    )
    changed = {
        "environment": input.environment,
        "epoch": row.epoch,
        "shares": [share.model_dump() for share in shares],
    }
    events.append(session, input.run_id, "deployment", input.at, changed)
    journal.append(
        session,
        at=input.at,
        actor=input.actor,
        kind="deployment.changed",
        model=input.model,
        subject=f"{input.model}/{input.environment}",
        body={**changed, "reason": input.reason, "run_id": input.run_id},
        effect=input.effect,
    )
    return as_deployment(session, row)


def follow_champion(
    session: Session, model: str, environment: str, version: int | None, at: datetime
) -> None:
    """Give all requests to a champion that has just moved; to nobody where there is none."""
    row = session.get(DeploymentRow, (model, environment))
    shares = [] if version is None else [Share(name=CHAMPION, version=version, weight=WHOLE)]
    if row is None:
        session.add(
            DeploymentRow(
                model=model,
                environment=environment,
                epoch=1,
                slow_seconds=Deployment.model_fields["slow_seconds"].default,
                tolerance=Deployment.model_fields["tolerance"].default,
                shares=[share.model_dump() for share in shares],
                since=at,
            )
        )
        session.flush()
        return
    _write(
        session,
        row,
        shares,
        entity=row.entity,
        slow_seconds=row.slow_seconds,
        tolerance=row.tolerance,
        at=at,
    )


def end_rollout(session: Session, run_id: str, effect: str, reason: str, at: datetime) -> None:
    """Give all requests back to the champion where a run that has ended still divides them."""
    rows = session.exec(select(DeploymentRow).where(DeploymentRow.run_id == run_id)).all()
    for row in rows:
        set_weights(
            session,
            SetWeights.model_validate(
                {
                    "effect": f"{effect}/deployment/{row.environment}",
                    "model": row.model,
                    "environment": row.environment,
                    "expected_epoch": row.epoch,
                    "run_id": run_id,
                    "entity": row.entity,
                    "slow_seconds": row.slow_seconds,
                    "tolerance": row.tolerance,
                    "actor": journal.PLATFORM,
                    "reason": reason,
                    "at": at,
                }
            ),
        )


def get_deployment(session: Session, model: str, environment: str) -> DeploymentRow:
    """The row. Raises NotFound."""
    row = session.get(DeploymentRow, (model, environment))
    if row is None or not row.shares:
        raise NotFound(
            f"{model} has no champion in {environment}, so nothing of it is served there; promote "
            f"a version first"
        )
    return row


def as_deployment(session: Session, row: DeploymentRow) -> Deployment:
    """A row with the files of its versions."""
    shares = [Share.model_validate(share) for share in row.shares]
    files = {
        version: as_champion(get_version(session, row.model, version)).onnx
        for version in {share.version for share in shares}
    }
    log = get_model(session, row.model).request_log
    return Deployment(
        model=row.model,
        environment=row.environment,
        epoch=row.epoch,
        entity=row.entity,
        slow_seconds=row.slow_seconds,
        tolerance=row.tolerance,
        log=None if log is None else RequestLog.model_validate(log),
        variants=tuple(
            Variant(
                name=share.name,
                version=share.version,
                onnx=files[share.version],
                weight=share.weight,
                shadow=share.shadow,
            )
            for share in shares
        ),
    )


def _alone(session: Session, model: str, environment: str) -> list[Share]:
    champion = session.get(ChampionRow, (model, environment))
    assert champion is not None and champion.version is not None  # it has a deployment
    return [Share(name=CHAMPION, version=champion.version, weight=WHOLE)]


def _at(row: DeploymentRow, epoch: int, shares: Sequence[Share]) -> DeploymentRow:
    """The row as it was at an epoch that was set before."""
    return DeploymentRow(
        model=row.model,
        environment=row.environment,
        epoch=epoch,
        entity=row.entity,
        slow_seconds=row.slow_seconds,
        tolerance=row.tolerance,
        shares=[share.model_dump() for share in shares],
        since=row.since,
    )


def _write(
    session: Session,
    row: DeploymentRow,
    shares: Sequence[Share],
    *,
    entity: str | None,
    slow_seconds: float,
    tolerance: float,
    at: datetime,
    run_id: str | None = None,
) -> None:
    said: list[Json] = [share.model_dump() for share in shares]
    session.execute(
        update(DeploymentRow)
        .where(
            col(DeploymentRow.model) == row.model,
            col(DeploymentRow.environment) == row.environment,
            col(DeploymentRow.epoch) == row.epoch,
        )
        .values(
            epoch=row.epoch + 1,
            run_id=run_id,
            entity=entity,
            slow_seconds=slow_seconds,
            tolerance=tolerance,
            shares=said,
            since=max(at, row.since),
        )
    )
    session.refresh(row)
