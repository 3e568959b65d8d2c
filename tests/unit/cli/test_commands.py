"""Each command: what it asks for, what it shows, and its exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .conftest import Call
from .documents import (
    DIGEST,
    RUN,
    approval,
    champion,
    decision,
    finished,
    model,
    platform,
    problem,
    run,
    stage,
    version,
    waiting,
)
from .server import Script


def page(*items: Any) -> tuple[int, Any]:
    return 200, {"items": list(items), "next_cursor": None}


def test_apply_says_the_version_that_counts(api: Script, cli: Call, tmp_path: Path) -> None:
    spec = tmp_path / "model.yaml"
    spec.write_text("model: flights\n")
    api.answers["POST /v1/models"] = (
        200,
        {"model": "flights", "spec_version": 2, "changed": True},
    )
    result = cli("apply", "-f", str(spec))
    assert (result.code, result.out) == (0, "flights: spec version 2, applied\n")
    assert api.asked[0].body == b"model: flights\n"


def test_everything_wrong_in_a_spec_is_shown_where_it_stands(
    api: Script, cli: Call, tmp_path: Path
) -> None:
    spec = tmp_path / "model.yaml"
    spec.write_text("model: flights\ntraining:\n  epochs: five\nowner: me\n")
    problems = [
        {
            "line": 3,
            "column": 11,
            "field": "training.epochs",
            "expected": "a whole number",
            "got": "five",
        },
        {"line": 4, "column": 1, "field": "owner", "expected": "no such key", "got": "me"},
    ]
    api.answers["POST /v1/models"] = (
        422,
        problem(422, "spec-invalid", "the spec has 2 problems", problems=problems),
    )
    result = cli("apply", "-f", str(spec))
    assert result.code == 1
    assert f"{spec}:3:11: training.epochs: expected a whole number, got five" in result.err
    assert "     3 |   epochs: five\n       |           ^\n" in result.err
    assert f"{spec}:4:1: owner: expected no such key" in result.err
    assert "2 problems" in result.err


def test_a_spec_that_is_not_there_is_a_wrong_command_line(api: Script, cli: Call) -> None:
    result = cli("apply", "-f", "nowhere.yaml")
    assert result.code == 2
    assert "nowhere.yaml cannot be read: No such file or directory" in result.err


def test_approve_shows_the_evidence_and_sends_its_digest(api: Script, cli: Call) -> None:
    shown = "f" * 64
    api.first_run = waiting()
    api.answers["GET /v1/models/flights/versions/3"] = (200, version(evidence_digest=shown))
    api.answers[f"POST /v1/approvals/{RUN}.production.1/approve"] = (
        200,
        {"approval_id": f"{RUN}.production.1", "status": "approved", "votes": 1, "required": 1},
    )
    result = cli("--as", "approver", "approve", RUN, "-m", "looks right")
    assert result.code == 0, result.err
    for expected in ("flights", "3", "production", shown, "0.7421", "0.7312", "+0.0109"):
        assert expected in result.out
    assert f"perennial status {RUN} --follow" in result.out
    [vote] = api.requests("POST", f"/v1/approvals/{RUN}.production.1/approve")
    assert vote.json == {"evidence_digest": shown, "comment": "looks right"}
    assert vote.token == "token-of-approver"


@pytest.mark.parametrize("name", [RUN, f"{RUN}.production.1", "flights"])
def test_an_approval_is_found_by_run_id_or_model(api: Script, cli: Call, name: str) -> None:
    api.first_run = waiting()
    api.answers[f"GET /v1/approvals/{RUN}.production.1"] = (200, approval())
    api.answers["GET /v1/approvals"] = page(approval())
    api.answers["GET /v1/models/flights"] = (200, model())
    api.answers["GET /v1/models/flights/versions/3"] = (200, version())
    path = f"/v1/approvals/{RUN}.production.1/reject"
    api.answers[f"POST {path}"] = (
        200,
        {"approval_id": f"{RUN}.production.1", "status": "rejected", "votes": 0, "required": 1},
    )
    result = cli("reject", name, "--as", "approver")
    assert result.code == 0, result.err
    assert api.requests("POST", path)[0].json["evidence_digest"] == DIGEST


def test_a_run_that_waits_for_nobody_cannot_be_approved(api: Script, cli: Call) -> None:
    api.first_run = finished("denied", "too weak")
    result = cli("approve", RUN)
    assert result.code == 1
    assert "waits for no approval: it is denied" in result.err


def test_what_was_approved_is_not_approved_again(api: Script, cli: Call) -> None:
    api.first_run = finished("promoted", "ok", approval=approval(status="approved"))
    result = cli("approve", RUN)
    assert result.code == 1
    assert "it is promoted, and its approval was approved" in result.err


def test_status_of_a_run_has_the_code_that_run_would_have(api: Script, cli: Call) -> None:
    api.first_run = finished("denied", "production: roc_auc 0.61 is below 0.68")
    result = cli("status", RUN)
    assert result.code == 6
    assert "http://127.0.0.1:8233/x" in result.out


def test_status_of_a_model_shows_its_champions_and_runs(api: Script, cli: Call) -> None:
    api.answers["GET /v1/models/flights"] = (200, model())
    api.answers["GET /v1/runs"] = page(finished("promoted", "version 2 is champion", version=2))
    result = cli("status", "flights")
    assert result.code == 0
    assert "team-flights" in result.out
    assert RUN in result.out


@pytest.mark.parametrize(("ready", "code"), [(True, 0), (False, 7)])
def test_status_of_everything_says_what_is_away(
    api: Script, cli: Call, ready: bool, code: int
) -> None:
    opa = {"name": "opa", "ok": ready, "detail": "connection refused"}
    state = {"status": "ready" if ready else "unready", "dependencies": [opa]}
    api.answers["GET /readyz"] = (200 if ready else 503, state)
    api.answers["GET /v1/models"] = page(model())
    api.answers["GET /v1/runs"] = page()
    result = cli("status")
    assert result.code == code
    assert ("✗ opa       connection refused" in result.out) is not ready


def test_everything_is_paused_and_resumed(api: Script, cli: Call) -> None:
    api.answers["POST /v1/pause"] = (200, platform(paused=True))
    api.answers["POST /v1/resume"] = (200, platform())
    paused = cli("pause", "--all", "--reason", "bad data", "--key", "k")
    assert paused.code == 0
    assert "no run starts and nothing is promoted" in paused.out
    (asked,) = api.requests("POST", "/v1/pause")
    assert (asked.json, asked.key) == ({"reason": "bad data"}, "k")
    assert "goes on" in cli("resume", "--all", "--as", "admin").out
    assert api.requests("POST", "/v1/resume")[0].token == "token-of-admin"


@pytest.mark.parametrize("arguments", [("pause",), ("resume", "flights", "--all")])
def test_one_model_or_all_of_them(api: Script, cli: Call, arguments: tuple[str, ...]) -> None:
    result = cli(*arguments)
    assert result.code == 2
    assert "--all for every model" in result.err
    assert not api.asked


def test_a_paused_platform_is_shown_wherever_something_waits_for_it(api: Script, cli: Call) -> None:
    api.answers["GET /v1/status"] = (200, platform(paused=True))
    api.answers["GET /readyz"] = (200, {"status": "ready", "dependencies": []})
    api.answers["GET /v1/models"] = api.answers["GET /v1/runs"] = page()
    assert "‖ paused by engineer" in cli("status").out
    assert cli("status", "--json").json["platform"]["paused"] is True
    for document in (run("queued"), run(stages=[stage("promote", "running")])):
        api.first_run = document
        assert "engineer paused the platform: bad data" in cli("status", RUN).out.replace("\n", " ")


def test_lists_are_followed_through_their_pages(api: Script, cli: Call) -> None:
    def pages(asked: Any) -> tuple[int, Any]:
        start = int(asked.query.get("cursor", 0))
        size = int(asked.query["limit"])
        items = [run(run_id=f"flights-{n:010x}") for n in range(start, start + size)]
        return 200, {"items": items, "next_cursor": str(start + size)}

    api.answers["GET /v1/runs"] = pages
    result = cli("runs", "--limit", "150", "--json")
    assert len({item["run_id"] for item in result.json["items"]}) == 150


@pytest.mark.parametrize(
    "arguments",
    [
        ("runs",),
        ("models",),
        ("champions", "flights"),
        ("champions", "flights", "--history"),
        ("approvals",),
        ("decisions",),
        ("versions", "flights"),
        ("ledger",),
    ],
)
def test_tables_fit_80_columns(api: Script, cli: Call, arguments: tuple[str, ...]) -> None:
    long = "a reason that is much longer than what is left of the line " * 2
    reign = champion(**{"from": "2026-11-23T10:00:00Z", "to": None, "approved_by": ["approver"]})
    row = {
        "seq": 1,
        "at": "2026-11-23T10:00:00Z",
        "actor": "engineer",
        "kind": "champion.moved",
        "model": "flights",
        "subject": long,
    }
    api.answers["GET /v1/runs"] = page(finished("denied", long))
    api.answers["GET /v1/models"] = page(model())
    api.answers["GET /v1/models/flights/champions"] = (
        200,
        {"model": "flights", "champions": [champion(reason=long)]},
    )
    api.answers["GET /v1/models/flights/champions/history"] = page(reign)
    api.answers["GET /v1/approvals"] = page(approval())
    api.answers["GET /v1/decisions"] = page(decision(reasons=[long]))
    api.answers["GET /v1/models/flights/versions"] = page(version())
    api.answers["GET /v1/ledger"] = (200, {"items": [row], "next_after": None})
    result = cli(*arguments)
    assert result.code == 0, result.err
    assert result.out.strip()
    assert max(len(line) for line in result.out.splitlines()) <= 80
    assert "\x1b" not in result.out
    json.dumps(cli(*arguments, "--json").json)


def test_the_champion_of_a_time_is_asked_for_in_utc(api: Script, cli: Call) -> None:
    api.answers["GET /v1/models/flights/champions/history"] = page()
    cli("champions", "flights", "--at", "2026-11-23T14:30:00+02:00", "-e", "production")
    assert api.asked[0].query["at"] == "2026-11-23T12:30:00Z"
    assert api.asked[0].query["environment"] == "production"
    assert cli("champions", "flights", "--at", "yesterday").code == 2


def test_rollback_names_the_version_that_is_back(api: Script, cli: Call) -> None:
    api.answers["POST /v1/models/flights/rollback"] = (200, champion(version=1, epoch=3))
    result = cli("rollback", "flights", "--environment", "production", "--reason", "late flights")
    assert result.code == 0
    assert "version 1 of flights is champion of production again, epoch 3" in result.out
    body = api.requests("POST", "/v1/models/flights/rollback")[0].json
    assert body == {"environment": "production", "to_version": None, "reason": "late flights"}


def test_promote_follows_the_run_that_it_starts(api: Script, cli: Call) -> None:
    api.answers["POST /v1/models/flights/promote"] = (
        202,
        {"run_id": RUN, "status": "running", "ahead": 0},
    )
    api.first_run = finished("promoted", "version 3 is champion of staging")
    result = cli("promote", "flights", "3", "--to", "staging")
    assert result.code == 0
    body = api.requests("POST", "/v1/models/flights/promote")[0].json
    assert body == {"version": 3, "environment": "staging", "reason": ""}


@pytest.mark.parametrize("lever", ["pause", "resume", "retire"])
def test_levers(api: Script, cli: Call, lever: str) -> None:
    api.answers[f"POST /v1/models/flights/{lever}"] = (
        200,
        {"model": "flights", "status": f"{lever}d"},
    )
    result = cli(lever, "flights", "--reason", "holiday")
    assert (result.code, result.out) == (0, f"flights is {lever}d\n")
    assert api.asked[0].json == {"reason": "holiday"}


def test_cancel_sends_the_reason(api: Script, cli: Call) -> None:
    api.answers[f"POST /v1/runs/{RUN}/cancel"] = (202, {"run_id": RUN, "status": "cancelling"})
    assert cli("cancel", RUN, "--reason", "wrong data").code == 0
    assert api.asked[0].json == {"reason": "wrong data"}


def test_a_group_is_asked_for_shown_and_put_back(api: Script, cli: Call) -> None:
    group = "g-0123456789"
    api.answers["POST /v1/groups"] = (202, {"group_id": group})
    result = cli("group", "promote", "flights=3", "digits=2", "--reason", "one encoding")
    assert result.code == 0 and f"perennial group show {group}" in result.out
    [asked] = api.requests("POST", "/v1/groups")
    assert asked.json == {
        "environment": "production",
        "members": [{"model": "flights", "version": 3}, {"model": "digits", "version": 2}],
        "reason": "one encoding",
    }
    api.answers[f"GET /v1/groups/{group}"] = (
        200,
        {"group_id": group, "status": "off", "runs": [finished("denied", "production: worse")]},
    )
    shown = cli("group", "show", group).out
    assert "off" in shown and "production: worse" in shown
    back = {"model": "flights", "environment": "production", "version": 2, "epoch": 5}
    api.answers[f"POST /v1/groups/{group}/rollback"] = (
        200,
        {"group_id": group, "champions": [back]},
    )
    assert "champions again: flights 2" in cli("group", "rollback", group).out


@pytest.mark.parametrize("members", [["flights=3"], ["flights=3", "flights=4"], ["a=1", "b"]])
def test_what_is_no_group_is_a_wrong_command_line(
    api: Script, cli: Call, members: list[str]
) -> None:
    assert cli("group", "promote", *members).code == 2
    assert not api.asked
