"""The OpenAPI document: one problem schema for every error, and which errors each route has."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.problems import MEDIA_TYPE
from api.schemas.base import Problem
from perennial.contracts.spec import ModelSpec

Responses = dict[int | str, dict[str, Any]]

_WHY = {
    400: "The request cannot be read.",
    401: "There is no token, or nobody has it.",
    403: "This role, or this person, may not.",
    404: "There is no such thing.",
    409: "The state of things forbids it; the detail says which state and what would change it.",
    413: "The body has more than 1 MiB.",
    415: "The body is of a kind that is not read here.",
    422: "What was given is wrong; `problems` lists everything that is.",
    503: "A system is away; `Retry-After` says when to ask again.",
}

DESCRIPTION = """\
Ask a model's owner for things, and read what is recorded of it.

Every request but those for health needs a bearer token (`Authorization: Bearer ...`) out of the
tokens file that the API makes at its first start. Every error is problem details (RFC 9457) whose
`detail` says what to do next. Every `POST` takes an `Idempotency-Key`: a repeated request has one
effect and gets the first answer.
"""

TAGS = [
    {"name": "models", "description": "Apply a spec; pause, resume, retire."},
    {"name": "runs", "description": "Start a run and watch it."},
    {"name": "approvals", "description": "Questions to people."},
    {"name": "champions", "description": "Which version each environment has, and ever had."},
    {"name": "deployments", "description": "What the data plane serves."},
    {
        "name": "rollouts",
        "description": "How a version earns its traffic, and people's word on it.",
    },
    {"name": "monitoring", "description": "How champions do, window by window."},
    {"name": "data", "description": "The rows that models learnt from."},
    {"name": "groups", "description": "Versions of several models that move together, or not."},
    {"name": "labels", "description": "What became of the rows that a model was asked about."},
    {"name": "triggers", "description": "What asks for models to be trained again."},
    {"name": "decisions", "description": "What the policy judged, and would judge now."},
    {"name": "alerts", "description": "What people are to know of, and what is not to be sent."},
    {"name": "ledger", "description": "Everything that changed, in a chain of hashes."},
    {"name": "platform", "description": "Pause and resume everything."},
    {"name": "service", "description": "The service itself."},
]


def problems(*statuses: int) -> Responses:
    """The error answers of a route, for its documentation."""
    schema = {"schema": {"$ref": "#/components/schemas/Problem"}}
    return {
        status: {"description": _WHY[status], "content": {MEDIA_TYPE: schema}}
        for status in statuses
    }


READS = problems(401, 404, 422, 503)
"""Error answers of a route that reads one thing or its parts."""

LISTS = problems(401, 422, 503)
"""Error answers of a route that lists."""

WRITES = problems(400, 401, 403, 404, 409, 413, 415, 422, 503)
"""Error answers of a route that asks for a change."""

SENDS = problems(400, 401, 403, 404, 413, 415, 422, 503)
"""Error answers of the route that takes labels."""

REPORTS = problems(400, 401, 403, 413, 415, 422, 503)
"""Error answers of the route by which the data plane reports."""


def install(app: FastAPI) -> None:
    """Give the application its document."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(
                title=app.title,
                version=app.version,
                summary=app.summary,
                description=app.description,
                tags=app.openapi_tags,
                routes=app.routes,
            )
            schemas = made.setdefault("components", {}).setdefault("schemas", {})
            for model in (Problem, ModelSpec):
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas |= schema.pop("$defs", {})
                schemas[model.__name__] = schema
            for operation in (o for path in made["paths"].values() for o in path.values()):
                operation["summary"] = operation["operationId"].replace("_", " ").capitalize()
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
