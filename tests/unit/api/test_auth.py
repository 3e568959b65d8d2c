from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.auth import Tokens
from perennial.contracts.errors import BadInput, NotAllowed
from tests.seeded import APPROVAL, WAITING
from tests.unit.api.conftest import As

ROLES = ("viewer", "engineer", "approver", "admin", "data-plane")
OPEN = {"/healthz", "/readyz"}
SIGNED = {"/v1/hooks/mlflow"}

VOTE = {"evidence_digest": "c" * 64}
ROLLOUT = "/v1/models/flights/rollouts/production"
PROMOTION = {"version": 1, "environment": "production"}
LABELS = {"labels": [{"request_id": "r", "value": True, "at": "2026-01-05T09:00:00Z"}]}
TOGETHER = {
    "environment": "production",
    "members": [{"model": model, "version": 1} for model in ("flights", "digits")],
}

# who may ask for what; everything that is read is for everybody with a token
MAY: list[tuple[str, dict[str, Any], set[str]]] = [
    ("/v1/models/flights/runs", {}, {"engineer", "admin"}),
    ("/v1/models/flights/triggers", {"cause": "data"}, {"engineer", "admin"}),
    ("/v1/models/flights/promote", PROMOTION, {"engineer", "admin"}),
    ("/v1/models/nobody/versions/1/reproduce", {}, {"engineer", "admin"}),
    ("/v1/models/flights/rollback", {"environment": "production"}, {"engineer", "admin"}),
    ("/v1/models/nobody/labels", LABELS, {"engineer", "admin"}),
    ("/v1/groups", TOGETHER, {"engineer", "admin"}),
    ("/v1/groups/g-0123456789/rollback", {}, {"engineer", "admin"}),
    (f"/v1/runs/{WAITING}/cancel", {}, {"engineer", "admin"}),
    ("/v1/models/flights/pause", {}, {"engineer", "admin"}),
    ("/v1/models/flights/resume", {}, {"admin"}),
    ("/v1/models/flights/retire", {}, {"admin"}),
    ("/v1/decisions/replay", {"model": "nobody"}, {"engineer", "approver", "admin"}),
    ("/v1/policies/check", {"policy": {"a.rego": "package a"}}, {"engineer", "approver", "admin"}),
    ("/v1/policies/apply", {"policy": {"a.rego": "package a"}}, {"admin"}),
    (f"/v1/approvals/{APPROVAL}/approve", VOTE, {"approver", "admin"}),
    (f"/v1/approvals/{APPROVAL}/reject", VOTE, {"approver", "admin"}),
    (f"{ROLLOUT}/rule", {**VOTE, "go_on": True}, {"approver", "admin"}),
    ("/v1/alerts/a-0123456789ab/acknowledge", {}, {"engineer", "approver", "admin"}),
    ("/v1/silences", {"model": "nobody", "duration": "1h"}, {"engineer", "admin"}),
    ("/v1/silences/s-0123456789ab/end", {}, {"engineer", "admin"}),
    (f"{ROLLOUT}/call-off", {}, {"engineer", "approver", "admin"}),
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(("path", "body", "may"), MAY)
async def test_what_each_role_may_ask_for(
    as_: As, role: str, path: str, body: dict[str, Any], may: set[str]
) -> None:
    answer = await as_(role).post(path, json=body)
    if role in may:
        # Temporal is away here, so what may be asked ends there, or where a model is not known
        assert answer.status_code in (200, 404, 503)
    else:
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:perennial:error:not-allowed"
        assert role in answer.json()["detail"]


async def test_applying_a_spec_is_for_engineers(as_: As) -> None:
    for role, status in (("viewer", 403), ("approver", 403), ("engineer", 422), ("admin", 422)):
        answer = await as_(role).post(
            "/v1/models", content="a: b", headers={"Content-Type": "application/yaml"}
        )
        assert answer.status_code == status


@pytest.mark.parametrize("role", ROLES)
async def test_only_a_data_plane_says_what_it_serves(as_: As, role: str) -> None:
    answer = await as_(role).put("/v1/deployments/production/processes/host-1", json={})
    assert answer.status_code == (200 if role in ("data-plane", "admin") else 403)


async def test_nothing_but_health_answers_without_a_token(app: FastAPI, as_: As) -> None:
    asked = 0
    for path, operations in app.openapi()["paths"].items():
        for method in operations:
            url = path.format(
                model="flights",
                run_id=WAITING,
                approval_id=APPROVAL,
                decision_id="d-good",
                group="g-0123456789",
                alert_id="a-0123456789ab",
                silence_id="s-0123456789ab",
                environment="production",
                process="host-1",
                start="2026-01-05T10:00:00Z",
                version=1,
                digest="a" * 64,
                other="b" * 64,
            )
            answer = await as_(None).request(
                method, url, headers={"Content-Type": "application/json"}, content=b"{}"
            )
            if path in OPEN:
                assert answer.status_code in (200, 503)
                continue
            if path in SIGNED:
                assert answer.status_code == 404, "without its secret it is not there"
                continue
            asked += 1
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            assert "Authorization: Bearer" in answer.json()["detail"]
    assert asked > 25


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer nobodys", "Basic YTpi", "bearer x y", "Bearer \xe9"]
)
async def test_a_token_that_nobody_has_is_no_token(as_: As, header: str) -> None:
    answer = await as_(None).get(
        "/v1/whoami", headers=httpx.Headers({"Authorization": header}, encoding="latin-1")
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("role", ROLES)
async def test_a_token_says_who_asks(as_: As, role: str) -> None:
    answer = await as_(role).get("/v1/whoami")
    assert answer.json() == {"name": role, "role": role}


def test_the_first_start_makes_a_file_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "state" / "tokens.json"
    old = os.umask(0)
    try:
        Tokens.load(path)
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    entries = json.loads(path.read_text())["tokens"]
    assert [(e["name"], e["role"]) for e in entries] == [(r, r) for r in ROLES]
    assert len({e["token"] for e in entries}) == len(ROLES)
    assert all(len(e["token"]) >= 40 for e in entries)
    assert [p.name for p in path.parent.iterdir()] == ["tokens.json"]


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    with ThreadPoolExecutor(8) as pool:
        loaded = list(pool.map(lambda _: Tokens.load(path), range(8)))
    token = json.loads(path.read_text())["tokens"][1]["token"]
    assert {tokens.principal(token).name for tokens in loaded} == {"engineer"}  # type: ignore[union-attr]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "tokens.json"
    Tokens.load(path)
    path.chmod(mode)
    with pytest.raises(NotAllowed, match="chmod 600"):
        Tokens.load(path)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"tokens": [{"name": "a"}]}',
        '{"tokens": [{"name": "a", "role": "king", "token": "x"}]}',
    ],
)
def test_a_file_of_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(BadInput, match="not a tokens file"):
        Tokens.load(path)


def test_an_empty_token_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_text('{"tokens": [{"name": "a", "role": "admin", "token": ""}]}')
    path.chmod(0o600)
    assert Tokens.load(path).principal("") is None
