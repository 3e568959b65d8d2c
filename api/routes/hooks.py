"""Hooks: other systems say that there is something to look at. What they say is not believed."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request

from api.context import Ctx
from api.documented import problems
from api.hooks import look_now, taking, verified
from api.schemas.triggers import Hinted
from perennial.contracts.errors import NotFound

router = APIRouter(prefix="/v1/hooks", tags=["triggers"])

_ALIASES = "model_version_alias"

_HEADERS: dict[str, Any] = {
    "parameters": [
        {
            "name": name,
            "in": "header",
            "required": False,
            "schema": {"type": "string"},
            "description": said,
        }
        for name, said in (
            ("X-MLflow-Delivery-Id", "Taken once."),
            ("X-MLflow-Timestamp", "Seconds since 1970; 300 s may lie between it and our clock."),
            ("X-MLflow-Signature", "`v1,` and base64 of the HMAC-SHA256 of id.timestamp.body."),
        )
    ]
}


@router.post(
    "/mlflow",
    operation_id="hook_mlflow",
    status_code=202,
    responses=problems(403, 404, 409, 413, 503),
    openapi_extra=_HEADERS,
)
async def mlflow(context: Ctx, request: Request) -> Hinted:
    """MLflow says that something was changed there: aliases are compared now, by what MLflow has.

    Signed by MLflow in place of a token. Taken where PERENNIAL_MLFLOW_WEBHOOK_SECRET is set.
    """
    secret = context.settings.mlflow_webhook_secret.get_secret_value()
    if not secret:
        raise NotFound(
            "webhooks of MLflow are not listened to here; set PERENNIAL_MLFLOW_WEBHOOK_SECRET to "
            "the secret that MLflow signs them with"
        )
    body = await request.body()
    now = datetime.now(UTC)
    delivery = verified(request.headers, body, secret, now.timestamp())
    async with taking(context.store.database, delivery, now):
        if _entity(body) != _ALIASES:
            reason = "it is not about an alias, and only those are compared"
            return Hinted(looks=False, reason=reason)
        hindered = await look_now(context.temporal)
    return Hinted(looks=not hindered, reason=hindered or "aliases are compared now")


def _entity(body: bytes) -> object:
    """What it says it is about; unread if it is no JSON that we know."""
    with suppress(ValueError, RecursionError):
        said = json.loads(body)
        if isinstance(said, dict):
            return said.get("entity")
    return None
