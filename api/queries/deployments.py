"""What answers for each model in an environment."""

from __future__ import annotations

from sqlmodel import Session, col, select

from api.db.facts.deployments import as_deployment
from api.db.tables import DeploymentRow, ModelRow
from perennial.contracts.serving import Deployments
from perennial.contracts.spec import Environment


def read_deployments(session: Session, environment: Environment) -> Deployments:
    """The deployment of every model that is served there, by name."""
    # each with its model, which the session has then where `as_deployment` asks for it
    rows = session.exec(
        select(DeploymentRow, ModelRow)
        .join(ModelRow, col(ModelRow.name) == col(DeploymentRow.model))
        .where(DeploymentRow.environment == environment)
        .order_by(col(DeploymentRow.model))
    ).all()
    served = tuple(as_deployment(session, row) for row, _ in rows if row.shares)
    return Deployments(environment=environment, deployments=served)
