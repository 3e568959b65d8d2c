"""Deployments: what the data plane is to serve."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from api.auth import Someone
from api.context import Ctx
from api.documented import LISTS
from api.queries.deployments import read_deployments
from perennial.contracts.serving import Deployments
from perennial.contracts.spec import Environment

router = APIRouter(prefix="/v1/deployments", tags=["deployments"])

Where = Annotated[Environment, Path(description="An environment.", examples=["production"])]


@router.get("/{environment}", operation_id="read_deployments", responses=LISTS)
def deployments(context: Ctx, principal: Someone, environment: Where) -> Deployments:
    """Every model that is served in an environment: its variants, their files and their weights."""
    with context.store.database.reading() as session:
        return read_deployments(session, environment)
