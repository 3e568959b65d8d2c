"""What answers for each model in an environment: today its champion, with all requests."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import Session, col

from api.db.tables import ChampionRow, VersionRow
from perennial.contracts.serving import WHOLE, Deployment, Deployments, Variant
from perennial.contracts.spec import Environment
from perennial.contracts.training import ExportedModel

CHAMPION = "champion"


def read_deployments(session: Session, environment: Environment) -> Deployments:
    """The deployment of every model that has a champion there, by name."""
    rows = session.execute(
        select(ChampionRow, VersionRow)
        .join(
            VersionRow,
            (col(VersionRow.model) == col(ChampionRow.model))
            & (col(VersionRow.version) == col(ChampionRow.version)),
        )
        .where(col(ChampionRow.environment) == environment)
        .order_by(col(ChampionRow.model))
    ).all()
    return Deployments(
        environment=environment,
        deployments=tuple(_deployment(champion, version) for champion, version in rows),
    )


def _deployment(champion: ChampionRow, version: VersionRow) -> Deployment:
    exported = ExportedModel.model_validate(version.exported)
    return Deployment(
        model=champion.model,
        environment=champion.environment,
        epoch=champion.epoch,
        variants=(
            Variant(name=CHAMPION, version=version.version, onnx=exported.onnx, weight=WHOLE),
        ),
    )
