"""Policies as wholes: tried on the champions, and put in force."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from api import policies
from api.auth import Admin, Insider
from api.bodies import json_only
from api.context import Ctx
from api.documented import WRITES, problems
from api.requests import Key
from api.schemas.policies import (
    PolicyApplied,
    PolicyApplyRequest,
    PolicyChecked,
    PolicyCheckRequest,
)

router = APIRouter(prefix="/v1/policies", tags=["decisions"])


@router.post(
    "/check",
    operation_id="check_policy",
    responses=problems(400, 401, 403, 413, 415, 422, 503),
    dependencies=[Depends(json_only)],
)
async def check(
    context: Ctx, principal: Insider, key: Key, body: PolicyCheckRequest
) -> PolicyChecked:
    """Which champions a policy would not have promoted: each one's promotion is asked again, with
    what was known then. Nothing is recorded."""
    return await policies.check(context, body.policy)


@router.post(
    "/apply",
    operation_id="apply_policy",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def apply(
    context: Ctx, principal: Admin, key: Key, body: PolicyApplyRequest
) -> PolicyApplied:
    """Put a policy in force, and say which champions it would not have promoted. They stay
    champions; the policy decides on what is asked from now on."""
    # where models are asked to be trained again: policies.wishes(applied, ...) says which and why
    return await policies.apply(context, body, actor=principal.name, key=key)
