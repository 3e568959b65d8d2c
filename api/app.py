"""The application: routes, errors, documentation, and what lives as long as it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import documented, problems
from api.context import Context
from api.metrics.requests import Counted, route_of
from api.metrics.scrape import Metrics
from api.middleware import BodyLimit, SecurityHeaders
from api.routes import (
    alerts,
    approvals,
    approving,
    cards,
    champions,
    decisions,
    deployments,
    groups,
    hooks,
    labels,
    ledger,
    metrics,
    models,
    platform,
    policies,
    rollouts,
    ruling,
    runs,
    service,
    snapshots,
    triggers,
    windows,
)

_PASSED_OVER = ("/healthz", "/readyz", "/metrics", "/v1/deployments/")
"""Asked for by machines all the time."""


def create_app(context: Context) -> FastAPI:
    """The application on its records and tokens; it opens its clients when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with context.clients():
            yield

    app = FastAPI(
        title="Perennial",
        version="1",
        summary="The whole life of machine-learning models.",
        description=documented.DESCRIPTION,
        openapi_tags=documented.TAGS,
        # Swagger's and Redoc's pages load their code from other hosts
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.context = context
    app.state.metrics = Metrics()
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(Counted, requests=app.state.metrics.requests)
    if context.tracing is not None:
        from perennial.tracing.asgi import Traced

        app.add_middleware(
            Traced, tracing=context.tracing, route=route_of, passed_over=_PASSED_OVER
        )
    problems.register(app)
    documented.install(app)
    for part in (
        service,
        metrics,
        platform,
        models,
        cards,
        runs,
        approvals,
        approving,
        champions,
        deployments,
        rollouts,
        ruling,
        windows,
        snapshots,
        groups,
        labels,
        triggers,
        hooks,
        decisions,
        policies,
        alerts,
        ledger,
    ):
        app.include_router(part.router)
    return app
