"""The application: routes, errors, documentation, and what lives as long as it does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from api import documented, problems
from api.context import Context
from api.middleware import BodyLimit, SecurityHeaders
from api.routes import (
    alerts,
    approvals,
    champions,
    decisions,
    deployments,
    groups,
    ledger,
    models,
    platform,
    rollouts,
    runs,
    service,
)


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
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    problems.register(app)
    documented.install(app)
    for part in (
        service,
        platform,
        models,
        runs,
        approvals,
        champions,
        deployments,
        rollouts,
        groups,
        decisions,
        alerts,
        ledger,
    ):
        app.include_router(part.router)
    return app
