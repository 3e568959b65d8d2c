"""Policies as wholes: tried on the champions, and put in force."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Depends

from api import policies
from api.auth import Admin, Insider
from api.bodies import json_only
from api.context import Context, Ctx
from api.documented import WRITES, problems
from api.requests import Key
from api.schemas.policies import (
    PolicyApplied,
    PolicyApplyRequest,
    PolicyChecked,
    PolicyCheckRequest,
)
from api.wishes import put
from perennial.contracts.errors import PerennialError
from perennial.contracts.triggers import RetrainWanted

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
    champions, and are wished to be trained again; the policy decides on what is asked from now on.
    """
    applied = await policies.apply(context, body, actor=principal.name, key=key)
    wanted = policies.wishes(applied, principal.name, datetime.now(UTC))
    wished = {model: await _wish(context, model, wish) for model, wish in wanted.items()}
    return applied.model_copy(update={"wished": wished})


async def _wish(context: Context, model: str, wanted: RetrainWanted) -> str:
    """The policy is in force by now, so a model that cannot be asked is told and no error."""
    try:
        recorded = await put(context.temporal, context.store.database, model, wanted)
    except PerennialError as error:
        return f"not asked: {error}"
    return f"{recorded.governed.decision}: {recorded.governed.reason}"
