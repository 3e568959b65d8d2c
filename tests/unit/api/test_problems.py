from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.context import Context
from perennial.settings import Settings
from tests.samples import spec
from tests.unit.api.conftest import AWAY, As

YAML = {"Content-Type": "application/yaml"}


def problem(answer: httpx.Response, status: int, name: str) -> dict[str, object]:
    """The problem that an answer is, after looking at what every problem has."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, object] = answer.json()
    assert found["type"] == f"urn:perennial:error:{name}"
    assert found["status"] == status
    assert found["instance"] == answer.request.url.path
    assert found["title"] and found["detail"]
    return found


async def test_a_path_that_is_not_there(viewer: httpx.AsyncClient) -> None:
    for path in ("/", "/v1", "/v2/models", "/v1/models/", "/docs", "/redoc"):
        assert "/openapi.json" in problem(await viewer.get(path), 404, "no-such-path")["detail"]


async def test_things_that_are_not_there(viewer: httpx.AsyncClient) -> None:
    for path in (
        "/v1/models/nobody",
        "/v1/models/nobody/champions",
        "/v1/models/nobody/champions/history",
        "/v1/models/nobody/versions",
        "/v1/models/nobody/spec",
        "/v1/models/flights/versions/99",
        "/v1/models/flights/spec?version=99",
        "/v1/runs/nobody",
        "/v1/runs/nobody/events",
        "/v1/approvals/nobody",
        "/v1/decisions/nobody",
    ):
        problem(await viewer.get(path), 404, "not-found")


async def test_a_method_that_a_path_does_not_take(viewer: httpx.AsyncClient) -> None:
    for method, path, allow in (
        ("DELETE", "/v1/models", "GET, POST"),
        ("PUT", "/v1/decisions/replay", "POST"),
        ("PATCH", "/v1/runs/x", "GET"),
        ("HEAD", "/v1/models", "GET, POST"),
    ):
        answer = await viewer.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["allow"] == allow


async def test_json_that_is_none(engineer: httpx.AsyncClient) -> None:
    answer = await engineer.post(
        "/v1/decisions/replay", content=b'{"a":', headers={"Content-Type": "application/json"}
    )
    assert "character 5" in problem(answer, 400, "malformed-request")["detail"]


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/models", "application/x-www-form-urlencoded"),
        ("/v1/models", ""),
        ("/v1/models/flights/runs", "text/plain"),
        ("/v1/decisions/replay", "application/yaml"),
    ],
)
async def test_a_body_of_another_kind(engineer: httpx.AsyncClient, path: str, kind: str) -> None:
    answer = await engineer.post(path, content=b"{}", headers={"Content-Type": kind})
    assert "Content-Type" in problem(answer, 415, "unsupported-media-type")["detail"]


async def test_a_body_that_is_too_large(engineer: httpx.AsyncClient) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"x" * 65536

    for content in (b"x" * (1024 * 1024 + 1), pieces()):
        answer = await engineer.post("/v1/models", content=content, headers=YAML)
        assert "1024 KiB" in problem(answer, 413, "too-large")["detail"]


async def test_a_request_that_does_not_fit_has_every_problem(engineer: httpx.AsyncClient) -> None:
    answer = await engineer.post(
        "/v1/models/flights/runs", json={"epochs": 0, "learning_rate": "fast", "epoch": 3}
    )
    found = problem(answer, 422, "invalid-request")
    assert found["problems"] == [
        {
            "field": "body.epochs",
            "expected": "input should be greater than or equal to 1",
            "got": "0",
        },
        {
            "field": "body.learning_rate",
            "expected": "input should be a valid number, unable to parse string as a number",
            "got": '"fast"',
        },
        {"field": "body.epoch", "expected": "extra inputs are not permitted", "got": "3"},
    ]


@pytest.mark.parametrize(
    "body",
    [
        b'{"params": {"a": NaN}}',
        b'{"params": {"a": [1]}}',
        b'{"params": {"a": "\\u0000"}}',
        b'{"params": {"\\u0000": 1}}',
        b'{"reason": "\\ud800"}',
        b'{"learning_rate": Infinity}',
        b'{"epochs": 1e400}',
        b"[]",
        b"[" * 100_000,
        b"\xff",
    ],
)
async def test_values_that_nothing_can_keep(engineer: httpx.AsyncClient, body: bytes) -> None:
    answer = await engineer.post(
        "/v1/models/flights/runs", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_spec_with_mistakes_lists_them_all(engineer: httpx.AsyncClient) -> None:
    text = spec().model_dump_json().replace("binary", "binray").replace("0.6", '"high"')
    found = problem(
        await engineer.post("/v1/models", content=text, headers=YAML), 422, "spec-invalid"
    )
    problems = found["problems"]
    assert isinstance(problems, list)
    assert [p["field"] for p in problems] == ["task", "metrics.thresholds[0].min"]
    answer = await engineer.post("/v1/models", content=b"a: b\nc: \xff", headers=YAML)
    assert problem(answer, 422, "spec-invalid")["problems"][0]["line"] == 2  # type: ignore[index]


async def test_the_key_of_a_request_has_a_shape(engineer: httpx.AsyncClient) -> None:
    for key in ("", "two words", "x" * 101):
        answer = await engineer.post(
            "/v1/models/flights/runs", json={}, headers={"Idempotency-Key": key}
        )
        problem(answer, 422, "invalid-request")


async def test_temporal_is_away(engineer: httpx.AsyncClient) -> None:
    for path, body in (
        ("/v1/models/flights/runs", {}),
        ("/v1/models/flights/rollback", {"environment": "production"}),
    ):
        answer = await engineer.post(path, json=body)
        assert AWAY in problem(answer, 503, "temporal-unavailable")["detail"]
        assert int(answer.headers["retry-after"]) > 0
    answer = await engineer.post("/v1/models", content=spec().model_dump_json(), headers=YAML)
    problem(answer, 503, "temporal-unavailable")


async def test_who_is_away_is_named(as_: As) -> None:
    answer = await as_(None).get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not ready"
    found = {d["name"]: d for d in answer.json()["dependencies"]}
    assert {name: d["ok"] for name, d in found.items()} == {
        "records": True,
        "temporal": False,
        "opa": False,
        "mlflow": False,
        "ray": False,
        "workers": False,
    }
    assert all(d["detail"] for d in found.values())


async def test_records_that_go_away_are_unavailable(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", AWAY)
    context = Context.open(settings.model_copy(update={"state_dir": tmp_path}))
    app = create_app(context)
    async with app.router.lifespan_context(app), _client(app, context) as client:
        assert (await client.get("/v1/models")).status_code == 200
        context.store.close()
        (tmp_path / "records.db").unlink()
        (tmp_path / "records.db").mkdir()
        answer = await client.get("/v1/models")
        assert "PERENNIAL_DATABASE_URL" in problem(answer, 503, "records-unavailable")["detail"]
        ready = (await client.get("/readyz")).json()
        assert [d["ok"] for d in ready["dependencies"] if d["name"] == "records"] == [False]


async def test_a_mistake_of_ours_tells_nothing_of_our_insides(
    tmp_path: Path, settings: Settings
) -> None:
    context = Context.open(settings.model_copy(update={"state_dir": tmp_path}))
    app: FastAPI = create_app(context)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret")

    async with _client(app, context) as client:
        answer = await client.get("/broken")
    found = problem(answer, 500, "internal")
    assert "secret" not in answer.text and "make logs" in found["detail"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    context.store.close()


async def test_browsers_are_told_to_keep_nothing(viewer: httpx.AsyncClient) -> None:
    for path in ("/healthz", "/v1/models", "/nope"):
        headers = (await viewer.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["content-security-policy"].startswith("default-src 'none'")


def _client(app: FastAPI, context: Context) -> httpx.AsyncClient:
    import json

    token = json.loads(context.settings.tokens.read_text())["tokens"][0]["token"]
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app, raise_app_exceptions=False),
        base_url="http://api",
        headers={"Authorization": f"Bearer {token}"},
    )
