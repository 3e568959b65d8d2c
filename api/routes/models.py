"""Models and their specs."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.concurrency import run_in_threadpool

from api.asking import ask_model
from api.auth import Admin, Engineer, Someone
from api.bodies import YAML_TYPES, json_only, spec_text
from api.context import Context, Ctx
from api.documented import LISTS, READS, WRITES, problems
from api.queries import models as queries
from api.requests import Key, model_state, tell_model
from api.schemas.base import Cursor, Limit, ModelName, Page, VersionPath
from api.schemas.models import (
    SPEC_EXAMPLE,
    EvidenceDetail,
    LeverBody,
    ModelDetail,
    SpecDetail,
    SpecSchema,
    VersionDetail,
    VersionSummary,
)
from api.thresholds import judge_again
from perennial.blobs import BlobStore
from perennial.contracts import lifecycle
from perennial.contracts.errors import NotFound
from perennial.contracts.lifecycle import ApplySpec, Lever, ModelState, ModelStatus, SpecApplied
from perennial.spec_yaml import parse_spec, spec_schema

router = APIRouter(prefix="/v1", tags=["models"])

_SPEC_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A model spec, 64 KiB at most.",
        "content": {
            kind: {
                "schema": {"$ref": "#/components/schemas/ModelSpec"},
                "example": SPEC_EXAMPLE,
            }
            for kind in ("application/json", YAML_TYPES[0])
        },
    }
}


@router.get("/spec/schema", operation_id="spec_schema", responses=problems(401))
async def schema(principal: Someone) -> SpecSchema:
    """The JSON schema of a model spec, for editors."""
    return SpecSchema.model_validate(spec_schema())


@router.post(
    "/models",
    operation_id="apply_spec",
    responses={k: v for k, v in WRITES.items() if k not in (400, 404)},
    openapi_extra=_SPEC_BODY,
)
async def apply(
    context: Ctx, principal: Engineer, key: Key, text: Annotated[str, Depends(spec_text)]
) -> SpecApplied:
    """Make a spec the one that counts from the next run on; an unchanged one changes nothing.

    A champion that its thresholds would have denied stays, and is wished to be trained again.
    """
    spec = await run_in_threadpool(parse_spec, text)
    state = await run_in_threadpool(_state_or_new, context, spec.model)
    ask = ApplySpec(request_id=key, actor=principal.name, spec=spec)
    done = await ask_model(context.temporal, state, lifecycle.APPLY_SPEC, ask, SpecApplied)
    if done.changed:
        await judge_again(context, spec, done.spec_version, principal.name)
    return done


@router.get("/models", operation_id="list_models", responses=LISTS)
def list_all(
    context: Ctx, principal: Someone, cursor: Cursor = None, limit: Limit = 50
) -> Page[ModelDetail]:
    """Models by name."""
    with context.store.database.reading() as session:
        return queries.list_models(session, cursor, limit)


@router.get("/models/{model}", operation_id="read_model", responses=READS)
def read(context: Ctx, principal: Someone, model: ModelName) -> ModelDetail:
    """A model and what it is doing now."""
    with context.store.database.reading() as session:
        return queries.read_model(session, model)


@router.get("/models/{model}/spec", operation_id="read_spec", responses=READS)
def spec(
    context: Ctx,
    principal: Someone,
    model: ModelName,
    version: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="None: the spec that counts.")
    ] = None,
) -> SpecDetail:
    """The spec that counts, or an earlier version of it."""
    with context.store.database.reading() as session:
        return queries.read_spec(session, model, version)


@router.get("/models/{model}/versions", operation_id="list_versions", responses=READS)
def versions(
    context: Ctx, principal: Someone, model: ModelName, cursor: Cursor = None, limit: Limit = 50
) -> Page[VersionSummary]:
    """Versions of a model, newest first."""
    with context.store.database.reading() as session:
        return queries.list_versions(session, model, cursor, limit)


@router.get("/models/{model}/versions/{version}", operation_id="read_version", responses=READS)
def version(
    context: Ctx, principal: Someone, model: ModelName, version: VersionPath
) -> VersionDetail:
    """A version with how it was made and the evidence that counts."""
    with context.store.database.reading() as session:
        return queries.read_version(session, model, version)


@router.get(
    "/models/{model}/versions/{version}/evidence",
    operation_id="read_evidence",
    responses=READS,
)
def evidence(
    context: Ctx, principal: Someone, model: ModelName, version: VersionPath
) -> EvidenceDetail:
    """All that is known of a version: intervals, calibration, groups, robustness, speed."""
    blobs = BlobStore(context.settings.blobs)
    with context.store.database.reading() as session:
        return queries.read_evidence(session, blobs, model, version)


@router.post(
    "/models/{model}/pause",
    operation_id="pause_model",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def pause(
    context: Ctx, principal: Engineer, key: Key, model: ModelName, body: LeverBody
) -> ModelStatus:
    """Start no further run and promote nothing; what runs goes on until it wants to promote."""
    ask = Lever(request_id=key, actor=principal.name, reason=body.reason)
    return await tell_model(context, model, lifecycle.PAUSE, ask, ModelStatus)


@router.post(
    "/models/{model}/resume",
    operation_id="resume_model",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def resume(
    context: Ctx, principal: Admin, key: Key, model: ModelName, body: LeverBody
) -> ModelStatus:
    """Go on after a pause."""
    ask = Lever(request_id=key, actor=principal.name, reason=body.reason)
    return await tell_model(context, model, lifecycle.RESUME, ask, ModelStatus)


@router.post(
    "/models/{model}/retire",
    operation_id="retire_model",
    responses=WRITES,
    dependencies=[Depends(json_only)],
)
async def retire(
    context: Ctx, principal: Admin, key: Key, model: ModelName, body: LeverBody
) -> ModelStatus:
    """End the model's life for good: runs are cancelled, no environment keeps a champion."""
    ask = Lever(request_id=key, actor=principal.name, reason=body.reason)
    return await tell_model(context, model, lifecycle.RETIRE, ask, ModelStatus)


def _state_or_new(context: Context, model: str) -> ModelState:
    try:
        return model_state(context, model)
    except NotFound:
        return ModelState(model=model)
