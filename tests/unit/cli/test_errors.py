"""What a person is told when it does not work, and what a script gets."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path

import pytest

from .conftest import Call
from .documents import model, problem
from .server import Script


@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        (401, "not-allowed", 4),
        (403, "not-allowed", 4),
        (404, "not-found", 3),
        (409, "refused", 1),
        (422, "bad-input", 1),
        (500, "error", 1),
        (503, "policy-unavailable", 7),
    ],
)
def test_a_problem_is_shown_in_its_own_words(
    api: Script, cli: Call, status: int, kind: str, code: int
) -> None:
    detail = "model 'flights' is paused; resume it first"
    api.answers["GET /v1/models/flights"] = (status, problem(status, kind, detail))
    api.answers["GET /v1/models"] = (200, {"items": [model()], "next_cursor": None})
    api.answers["GET /v1/models/flights/champions"] = (status, problem(status, kind, detail))
    result = cli("champions", "flights")
    assert result.code == code
    assert f"error: {detail}" in result.err
    assert result.out == ""


def test_with_json_the_problem_is_the_documents(api: Script, cli: Call) -> None:
    api.answers["GET /v1/whoami"] = (403, problem(403, "not-allowed", "viewers may not"))
    result = cli("whoami", "--json")
    assert result.out == ""
    said = json.loads(result.err)
    assert said["type"] == "urn:perennial:error:not-allowed"
    assert said["detail"] == "viewers may not"


def test_a_mistyped_model_is_named_right(api: Script, cli: Call) -> None:
    api.answers["GET /v1/models"] = (200, {"items": [model()], "next_cursor": None})
    result = cli("run", "flihgts")
    assert result.code == 3
    assert "did you mean flights?" in result.err


def test_a_mistyped_command_is_named_right(cli: Call) -> None:
    result = cli("aprove", "x")
    assert result.code == 2
    assert "Did you mean 'approve'" in result.err


def test_markup_from_elsewhere_is_only_text(api: Script, cli: Call) -> None:
    detail = "threshold [bold]roc_auc[/bold] [/nonsense]"
    api.answers["GET /v1/whoami"] = (409, problem(409, "refused", detail))
    assert detail in cli("whoami").err


def test_an_api_that_is_down_is_said_to_be(cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        monkeypatch.setenv("PERENNIAL_TOKEN", "t")
        result = cli("whoami", "--url", url)
    assert result.code == 7
    assert url in result.err
    assert "make up" in result.err


def test_another_program_on_the_port_is_not_taken_for_the_api(api: Script, cli: Call) -> None:
    api.answers["GET /v1/whoami"] = (404, {"error": "who are you"})
    result = cli("whoami")
    assert result.code == 7
    assert "answered 404, but not in the words of a Perennial API" in result.err


def test_an_address_that_is_none(cli: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERENNIAL_TOKEN", "t")
    assert cli("whoami", "--url", "flights").code == 7
    assert cli("whoami", "--url", "http://[").code == 7


def test_nobody_of_that_name(api: Script, cli: Call) -> None:
    result = cli("whoami", "--as", "intern")
    assert result.code == 4
    assert "has no token for 'intern'; it has viewer, engineer" in result.err


@pytest.mark.parametrize("before", [True, False])
def test_common_options_stand_before_or_behind_the_command(
    api: Script, cli: Call, before: bool
) -> None:
    api.answers["GET /v1/whoami"] = (200, {"name": "viewer", "role": "viewer"})
    options = ["--as", "viewer", "--json"]
    result = cli(*options, "whoami") if before else cli("whoami", *options)
    assert result.json["name"] == "viewer"
    assert api.asked[0].token == "token-of-viewer"


def test_a_group_passes_the_options_on(api: Script, cli: Call) -> None:
    api.answers["GET /v1/ledger/verify"] = (
        200,
        {"ok": True, "rows": 3, "head": "a" * 64, "first_bad": None},
    )
    assert cli("--json", "ledger", "--as", "viewer", "verify").json["rows"] == 3
    assert [asked.token for asked in api.asked] == ["token-of-viewer"]


def test_the_token_of_the_environment_is_used_unless_somebody_is_named(
    api: Script, cli: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_TOKEN", "mine")
    api.answers["GET /v1/whoami"] = (200, {"name": "me", "role": "viewer"})
    cli("whoami")
    cli("whoami", "--as", "admin")
    assert [asked.token for asked in api.asked] == ["mine", "token-of-admin"]


def test_the_stack_is_found_from_a_folder_below(api: Script, cli: Call, tmp_path: Path) -> None:
    api.answers["GET /v1/whoami"] = (200, {"name": "engineer", "role": "engineer"})
    below = tmp_path / "examples" / "flights"
    below.mkdir(parents=True)
    os.chdir(below)
    assert cli("whoami").code == 0


def test_tokens_are_not_sent_to_another_address(cli: Call) -> None:
    result = cli("whoami", "--url", "http://elsewhere.invalid")
    assert result.code == 4
    assert "no token for http://elsewhere.invalid" in result.err


@pytest.mark.parametrize("content", ["", "[]", '{"tokens": [{"name": "engineer"}]}'])
def test_a_file_that_holds_no_tokens(cli: Call, tmp_path: Path, content: str) -> None:
    (tmp_path / ".perennial" / "tokens.json").write_text(content)
    result = cli("whoami")
    assert result.code == 4
    assert "is not a tokens file" in result.err


def test_without_a_tokens_file_it_says_who_makes_one(cli: Call, tmp_path: Path) -> None:
    (tmp_path / ".perennial" / "tokens.json").unlink()
    result = cli("whoami")
    assert result.code == 4
    assert "make up" in result.err


def test_a_stack_file_that_is_broken_is_named(cli: Call, tmp_path: Path) -> None:
    (tmp_path / ".perennial" / "stack.json").write_text("{")
    result = cli("whoami")
    assert result.code == 4
    assert "stack.json cannot be read" in result.err
