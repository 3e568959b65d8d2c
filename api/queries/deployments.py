"""What answers for each model in an environment."""

from __future__ import annotations

from sqlmodel import Session, col, select

from api.db.facts.deployments import as_deployment
from api.db.tables import DeploymentRow, ModelRow
from perennial.contracts.serving import Deployments
from perennial.contracts.spec import Environment


def read_deployments(session: Session, environment: Environment) -> Deployments:
    """The deployment of every model that is served there, by name."""
    rows = session.exec(
        select(DeploymentRow)
        .where(DeploymentRow.environment == environment)
        .order_by(col(DeploymentRow.model))
    ).all()
    # all at once into the session, which keeps them for as long as somebody here does
    models = session.exec(
        select(ModelRow).where(col(ModelRow.name).in_([row.model for row in rows]))
    ).all()
    served = tuple(as_deployment(session, row) for row in rows if row.shares and models)
    return Deployments(environment=environment, deployments=served)
