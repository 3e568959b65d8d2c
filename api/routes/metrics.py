"""Figures for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from api.auth import Someone
from api.context import Ctx
from api.documented import problems
from api.metrics.scrape import Metrics

router = APIRouter(tags=["service"])


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems(401),
    },
)
async def metrics(context: Ctx, principal: Someone, request: Request) -> Response:
    """Figures in Prometheus' text format: of this API, the data plane, the queues and models."""
    found: Metrics = request.app.state.metrics
    return Response(await found.text(context), media_type=CONTENT_TYPE_PLAIN_0_0_4)
