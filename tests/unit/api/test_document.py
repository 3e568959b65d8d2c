from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import TypeAdapter

from perennial.spec_yaml import parse_spec

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@pytest.fixture(scope="session")
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_anybody_may_read_it(viewer: httpx.AsyncClient, document: dict[str, Any]) -> None:
    assert (await viewer.get("/openapi.json", headers={"Authorization": ""})).json() == document


def test_every_operation_is_named_tagged_and_described(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names)) == 66
    tags = {tag["name"] for tag in document["tags"]}
    for path, _, operation in operations(document):
        assert set(operation["tags"]) <= tags, path
        assert operation["description"], path


def test_every_error_is_a_problem(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status.startswith("2") or path == "/readyz":
                continue
            assert answer["content"] == PROBLEM, (path, method, status)


def test_everything_but_health_and_what_is_signed_needs_a_token(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        if path in ("/healthz", "/readyz", "/v1/hooks/mlflow"):
            assert "security" not in operation
        else:
            assert operation["security"] == [{"token": []}], path
            assert "401" in operation["responses"]


def test_what_changes_something_says_how_it_may_be_refused(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        if method == "post" and not path.startswith("/v1/hooks/"):
            assert {"401", "403", "413", "415", "422", "503"} <= set(operation["responses"]), path
            assert "Idempotency-Key" in {p["name"] for p in operation["parameters"]}, path


def test_every_request_has_an_example_that_fits(app: FastAPI, document: dict[str, Any]) -> None:
    import api.schemas.alerts as alerts
    import api.schemas.groups as groups
    import api.schemas.labels as labels
    import api.schemas.models as models
    import api.schemas.policies as policies
    import api.schemas.rollouts as rollouts
    import api.schemas.runs as runs
    import api.schemas.triggers as triggers
    import perennial.contracts.serving as serving

    looked_at = 0
    for path, _, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {})
        for media in content.values():
            name = re.sub(".*/", "", media["schema"].get("$ref") or media["schema"]["title"])
            if name == "ModelSpec":
                import json

                parse_spec(json.dumps(media["example"]))
                continue
            [schema] = [
                getattr(module, name)
                for module in (
                    alerts,
                    groups,
                    labels,
                    models,
                    policies,
                    rollouts,
                    runs,
                    serving,
                    triggers,
                )
                if hasattr(module, name)
            ]
            for example in document["components"]["schemas"][name]["examples"]:
                TypeAdapter(schema).validate_python(example)
                looked_at += 1
            assert document["components"]["schemas"][name]["examples"], path
    assert looked_at >= 8


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [r for item in value.values() for r in references(item)]
        if isinstance(value, list):
            return [r for item in value for r in references(item)]
        return []

    found = set(references(document))
    assert len(found) > 20
    for reference in found:
        name = reference.removeprefix("#/components/schemas/")
        assert name in document["components"]["schemas"], reference
