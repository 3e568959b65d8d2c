"""A policy is tried on the champions, and put in force."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import Call
from .documents import Json, flipped, judgement
from .server import Script


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "policies"
    made.mkdir()
    (made / "a.rego").write_text("package a")
    (made / "a_test.rego").write_text("package a_test")
    return made


def checked(*flips: Json, **more: object) -> Json:
    return {"policy_digest": "b" * 64, "asked": 12, "unasked": 0, "flipped": list(flips), **more}


DENIED = flipped(stored=judgement("allow"), now=judgement("deny", reasons=["200 rows are too few"]))


def test_a_check_lists_champions_that_would_be_none(api: Script, cli: Call, folder: Path) -> None:
    api.answers["POST /v1/policies/check"] = (200, checked(DENIED, unasked=1))
    result = cli("policies", "check", str(folder))
    assert result.code == 10
    first, champion, reason = result.out.splitlines()
    assert first == (
        "1 of 12 champions would not have been promoted; 1 came there without a policy"
    )
    assert champion == "d-1  flights 3 into production  allow → deny"
    assert reason.strip() == "200 rows are too few"
    assert api.asked[0].json == {"policy": {"a.rego": "package a"}}


def test_a_check_that_finds_nothing_is_well(api: Script, cli: Call, folder: Path) -> None:
    api.answers["POST /v1/policies/check"] = (200, checked())
    result = cli("policies", "check", str(folder))
    told = "0 of 12 champions would not have been promoted\n"
    assert (result.code, result.out) == (0, told)


def test_what_is_put_in_force_is_told_with_what_it_replaces(
    api: Script, cli: Call, folder: Path
) -> None:
    api.answers["POST /v1/policies/apply"] = (
        200,
        checked(DENIED, replaced="a" * 64, wished={"flights": "ask: no retraining"}),
    )
    result = cli("policies", "apply", str(folder), "--reason", "more rows", "--as", "admin")
    assert result.code == 0
    assert result.out.startswith("✓ policy bbbbbbbbbbbb is in force, in place of aaaaaaaaaaaa\n")
    assert "200 rows are too few" in result.out
    assert api.asked[0].json == {"policy": {"a.rego": "package a"}, "reason": "more rows"}


def test_a_folder_without_policies_is_a_wrong_command_line(cli: Call, tmp_path: Path) -> None:
    assert cli("policies", "apply", str(tmp_path / "nowhere")).code == 2
