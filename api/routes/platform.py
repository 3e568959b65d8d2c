"""The platform as a whole: pause it during an incident, resume it, see whether it is paused."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from api.asking import ask_platform
from api.auth import Admin, Engineer, Someone
from api.bodies import json_only
from api.context import Ctx
from api.documented import WRITES, problems
from api.requests import Key
from api.schemas.models import LeverBody
from api.schemas.service import PlatformDetail
from perennial.contracts import lifecycle
from perennial.contracts.lifecycle import Lever
from perennial.contracts.platform import Platform

router = APIRouter(prefix="/v1", tags=["platform"])

_WRITES = {status: answer for status, answer in WRITES.items() if status != 404}


@router.get("/status", operation_id="read_platform", responses=problems(401, 503))
def read(context: Ctx, principal: Someone) -> PlatformDetail:
    """Whether new runs and promotions are stopped everywhere."""
    return _detail(context.store.read_platform())


@router.post(
    "/pause",
    operation_id="pause_platform",
    responses=_WRITES,
    dependencies=[Depends(json_only)],
)
async def pause(context: Ctx, principal: Engineer, key: Key, body: LeverBody) -> PlatformDetail:
    """Start no further run and promote nothing, in any model; what runs goes on until it wants to
    promote, votes may be cast, rollback and retirement work."""
    ask = Lever(request_id=key, actor=principal.name, reason=body.reason)
    return _detail(await ask_platform(context.temporal, lifecycle.PAUSE, ask, Platform))


@router.post(
    "/resume",
    operation_id="resume_platform",
    responses=_WRITES,
    dependencies=[Depends(json_only)],
)
async def resume(context: Ctx, principal: Admin, key: Key, body: LeverBody) -> PlatformDetail:
    """Go on after a pause; whatever was held goes on by itself."""
    ask = Lever(request_id=key, actor=principal.name, reason=body.reason)
    return _detail(await ask_platform(context.temporal, lifecycle.RESUME, ask, Platform))


def _detail(now: Platform) -> PlatformDetail:
    return PlatformDetail.model_validate(now.model_dump())
