"""The service itself."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.auth import Someone
from api.context import Ctx
from api.documented import problems
from api.health import readiness
from api.schemas.service import Health, Identity, Readiness

router = APIRouter(tags=["service"])


@router.get("/healthz", operation_id="health")
async def health() -> Health:
    """The process answers."""
    return Health()


@router.get(
    "/readyz",
    operation_id="readiness",
    responses={503: {"model": Readiness, "description": "Something that is needed is away."}},
)
async def ready(context: Ctx, response: Response) -> Readiness:
    """Whether everything that is needed answers, each by name."""
    found = await readiness(context)
    response.status_code = 200 if found.status == "ready" else 503
    return found


@router.get("/v1/whoami", operation_id="whoami", responses=problems(401))
async def whoami(principal: Someone) -> Identity:
    """Who the token belongs to."""
    return Identity(name=principal.name, role=principal.role)
