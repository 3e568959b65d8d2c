"""Rollouts: look at what answers a model's requests, rule on it, call it off."""

from __future__ import annotations

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Path
from starlette.concurrency import run_in_threadpool

from api.asking import WorkflowGone, ask_rollout, look_at_rollout
from api.auth import Approver, Insider, Someone
from api.bodies import json_only
from api.context import Context, Ctx
from api.documented import READS, WRITES
from api.queries.models import read_state
from api.queries.rollouts import read_served
from api.requests import Key
from api.schemas.base import ModelName
from api.schemas.rollouts import (
    CallOffRequest,
    RolloutDetail,
    RolloutPlanned,
    RolloutProgress,
    RulingRequest,
    VariantDetail,
)
from perennial.contracts import ruling
from perennial.contracts.errors import NotFound, Refused
from perennial.contracts.rollout import RolloutView
from perennial.contracts.ruling import CallOff, Rule, Ruled
from perennial.contracts.serving import COUNTS, WHOLE, Deployment, Serving
from perennial.contracts.spec import Environment

router = APIRouter(prefix="/v1/models/{model}/rollouts", tags=["rollouts"])

Where = Annotated[Environment, Path(description="An environment.", examples=["production"])]


@router.get("/{environment}", operation_id="read_rollout", responses=READS)
async def read(
    context: Ctx, principal: Someone, model: ModelName, environment: Where
) -> RolloutDetail:
    """What answers a model's requests, how many each version has answered, and how a rollout is."""
    serving = await run_in_threadpool(_serving, context, model, environment)
    if serving.deployment is None:
        raise NotFound(
            f"{model} has no champion in {environment}, so nothing of it is served there; promote "
            f"a version first"
        )
    view: RolloutView | None = None
    if serving.run_id is not None:
        with suppress(WorkflowGone):  # it ended a moment ago
            view = await look_at_rollout(context.temporal, model, environment)
    return _detail(environment, serving, serving.deployment, view)


@router.get("/{environment}/plan", operation_id="read_rollout_plan", responses=READS)
def plan(context: Ctx, principal: Someone, model: ModelName, environment: Where) -> RolloutPlanned:
    """What the rollout of the next version will do, by the spec that counts now."""
    with context.store.database.reading() as session:
        spec = read_state(session, model).spec
    found = spec.rollout_in(environment) if spec is not None else None
    if found is None:
        raise NotFound(
            f"the spec of {model} has no rollout in {environment}: a version takes all requests at "
            f"once; add `rollout: {{strategy: canary}}`"
        )
    return RolloutPlanned(
        strategy=found.strategy,
        steps=found.described,
        expected_seconds=found.expected.total_seconds(),
        worst_seconds=found.worst.total_seconds(),
        guard=found.guard,
    )


@router.post(
    "/{environment}/rule",
    operation_id="rule_on_rollout",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def rule(
    context: Ctx,
    principal: Approver,
    key: Key,
    model: ModelName,
    environment: Where,
    body: RulingRequest,
) -> Ruled:
    """Decide what the figures did not: on to the next step, or back. Nobody rules on their own."""
    ask = Rule(request_id=key, actor=principal.name, roles=(principal.role,), **body.model_dump())
    try:
        return await ask_rollout(context.temporal, model, environment, ruling.RULE, ask, Ruled)
    except WorkflowGone:
        raise _none(model, environment) from None


@router.post(
    "/{environment}/call-off",
    operation_id="call_off_rollout",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def call_off(
    context: Ctx,
    principal: Insider,
    key: Key,
    model: ModelName,
    environment: Where,
    body: CallOffRequest,
) -> Ruled:
    """Give the champion all requests again, at once; the run that wanted more ends."""
    ask = CallOff(request_id=key, actor=principal.name, reason=body.reason)
    try:
        return await ask_rollout(context.temporal, model, environment, ruling.CALL_OFF, ask, Ruled)
    except WorkflowGone:
        raise _none(model, environment) from None


def _none(model: str, environment: str) -> Refused:
    return Refused(
        f"no rollout of {model} is under way in {environment}; `perennial rollout show {model}` "
        f"says what is served"
    )


def _serving(context: Context, model: str, environment: Environment) -> Serving:
    with context.store.database.reading() as session:
        return read_served(session, model, environment)


def _detail(
    environment: Environment, serving: Serving, deployment: Deployment, view: RolloutView | None
) -> RolloutDetail:
    return RolloutDetail(
        model=deployment.model,
        environment=environment,
        epoch=deployment.epoch,
        champion_epoch=serving.champion_epoch,
        variants=[
            VariantDetail(
                name=each.name,
                version=each.version,
                percent=100 * each.weight / WHOLE,
                shadow_percent=100 * each.shadow / WHOLE,
                **{
                    count: sum(getattr(t, count) for t in serving.tallies if t.variant == each.name)
                    for count in COUNTS
                },
                labelled=sum(x.requests for x in serving.labelled if x.variant == each.name),
                wrong=sum(x.wrong for x in serving.labelled if x.variant == each.name),
            )
            for each in deployment.variants
        ],
        processes=serving.processes,
        behind=list(serving.behind),
        under_way=None
        if view is None
        else RolloutProgress.model_validate({**view.model_dump(), "held": serving.held}),
    )
