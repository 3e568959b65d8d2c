"""Deployments: what the data plane is to serve."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from api.auth import DataPlane, Someone
from api.bodies import json_only
from api.context import Ctx
from api.documented import LISTS, REPORTS
from api.queries.deployments import read_deployments
from perennial.contracts.serving import Deployments, Report
from perennial.contracts.spec import Environment

router = APIRouter(prefix="/v1/deployments", tags=["deployments"])

Where = Annotated[Environment, Path(description="An environment.", examples=["production"])]

Process = Annotated[
    str,
    Path(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$",
        description="A name that no other process ever had.",
        examples=["host-4711-5f2c"],
    ),
]


@router.get("/{environment}", operation_id="read_deployments", responses=LISTS)
def deployments(context: Ctx, principal: Someone, environment: Where) -> Deployments:
    """Every model that is served in an environment: its variants, their files and their weights."""
    with context.store.database.reading() as session:
        return read_deployments(session, environment)


@router.put(
    "/{environment}/processes/{process}",
    operation_id="report_serving",
    responses=REPORTS,
    dependencies=[Depends(json_only)],
)
def report(
    context: Ctx, principal: DataPlane, environment: Where, process: Process, body: Report
) -> Deployments:
    """A process of the data plane says what it serves and has answered, and hears what to serve."""
    context.store.record_report(environment, process, body)
    with context.store.database.reading() as session:
        return read_deployments(session, environment)
