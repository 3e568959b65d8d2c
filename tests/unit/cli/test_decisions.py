"""Decisions: listed, shown, and asked again, those on windows too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from perennial.contracts import policy

from .conftest import Call
from .documents import Json, decision, flipped, judgement
from .server import Script


def test_a_decision_is_shown_with_its_reasons(api: Script, cli: Call) -> None:
    api.answers["GET /v1/decisions/d-1"] = (200, decision(question={"a": 1}, answer={}))
    result = cli("decisions", "show", "d-1")
    assert "roc_auc 0.6100 is below the minimum 0.6800" in result.out
    assert cli("decisions", "show", "d-1", "--json").json["question"] == {"a": 1}


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ({}, "into production"),
        ({"kind": "promotion"}, "into production"),
        (
            {"kind": "rollout", "phase": "step", "percent": 2.5, "next_percent": 25.0},
            "from 2.5 % to 25 % in production",
        ),
        ({"kind": "rollout", "percent": None}, "from ? to ? in production"),
        ({"kind": "rollout", "phase": "guard"}, "to stay champion of production"),
        ({"kind": "monitoring"}, "to go on as champion of production"),
    ],
)
def test_a_question_says_what_the_version_wanted(asked: dict[str, Any], wanted: str) -> None:
    assert policy.wish({"environment": "production", **asked}) == wanted


def test_a_rollout_shows_its_step_and_who_ruled(api: Script, cli: Call) -> None:
    steps = {"kind": "rollout", "phase": "step", "step": 2, "steps": 4, "strategy": "canary"}
    question = {**steps, "ruling": {"by": "bob"}}
    shown = decision(question=question, answer={}, wish="from 5 % to 25 % in production")
    api.answers["GET /v1/decisions/d-1"] = (200, shown)
    out = cli("decisions", "show", "d-1").out
    for told in ("from 5 % to 25 % in production", "2 of 4, canary", "bob"):
        assert told in out


def test_replay_under_another_policy_lists_what_flips(
    api: Script, cli: Call, tmp_path: Path
) -> None:
    folder = tmp_path / "policies" / "perennial"
    folder.mkdir(parents=True)
    (folder / "promotion.rego").write_text("package perennial")
    (folder / "promotion_test.rego").write_text("package perennial_test")
    (folder / "data.json").write_text("{}")
    sides = {
        "stored": judgement("allow"),
        "now": judgement("deny", reasons=["stricter now"]),
    }
    flip = flipped(environment="staging", wish="into staging", **sides)
    api.answers["POST /v1/decisions/replay"] = (
        200,
        {"asked": 2, "agreed": 1, "skipped": 0, "windows": 0, "flipped": [flip]},
    )
    result = cli("decisions", "replay", "--policy", str(tmp_path / "policies"))
    assert result.code == 10
    assert "stricter now" in result.out
    assert api.asked[0].json == {
        "policy": {"perennial/data.json": "{}", "perennial/promotion.rego": "package perennial"}
    }
    assert cli("decisions", "replay", "--policy", str(tmp_path / "nothing")).code == 2


def test_a_replay_that_agrees_is_well(api: Script, cli: Call) -> None:
    api.answers["POST /v1/decisions/replay"] = (
        200,
        {"asked": 12, "agreed": 12, "skipped": 0, "windows": 0, "flipped": []},
    )
    result = cli("decisions", "replay")
    assert (result.code, result.out) == (0, "12 asked, 12 agree\n")
    assert api.asked[0].json == {}


def test_a_decision_on_a_window_shows_its_action(api: Script, cli: Call) -> None:
    question = {
        "kind": "monitoring",
        "window_start": "2026-11-20T10:00:00Z",
        "window_end": "2026-11-20T11:00:00Z",
        "dry_run": True,
    }
    shown = decision(question=question, answer={}, kind="monitoring", action="retrain")
    api.answers["GET /v1/decisions/d-1"] = (200, shown)
    out = cli("decisions", "show", "d-1").out
    for told in ("deny", "retrain", "2026-11-20 10:00 to 2026-11-20 11:00, a dry run"):
        assert told in out
    api.answers["GET /v1/decisions"] = (200, {"items": [shown], "next_cursor": None})
    listed = cli("decisions", "--kind", "monitoring")
    assert "retrain" in listed.out and "deny" not in listed.out
    assert api.asked[-1].query["kind"] == "monitoring"


def window(hour: int, then: str, now: str) -> Json:
    return flipped(
        kind="monitoring",
        wish="to go on as champion of production",
        window_start=f"2026-11-20T{hour:02}:00:00Z",
        stored=judgement("deny", action=then),
        now=judgement("deny", action=now, reasons=[f"distance moved at {hour}"]),
    )


def test_what_would_have_happened_is_a_table_of_windows(
    api: Script, cli: Call, tmp_path: Path
) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "a.rego").write_text("package a")
    windows = [window(hour, "alert", "retrain") for hour in (9, 7, 8)]
    gone = {**window(10, "retrain", ""), "now": judgement("error", reasons=["undefined"])}
    api.answers["POST /v1/decisions/replay"] = (
        200,
        {"asked": 40, "agreed": 36, "skipped": 0, "windows": 40, "flipped": [*windows, gone]},
    )
    result = cli("decisions", "replay", "--policy", "policies", "--kind", "monitoring")
    assert result.code == 10
    assert api.asked[0].json["kind"] == "monitoring"
    first, heads, *rows = result.out.splitlines()
    assert first == "40 asked, 36 agree"
    assert heads.split() == ["window", "from", "model", "v", "then", "now", "why"]
    assert [row.split()[1:6] for row in rows if row.startswith("2026")] == [
        ["07:00", "flights", "3", "alert", "retrain"],
        ["08:00", "flights", "3", "alert", "retrain"],
        ["09:00", "flights", "3", "alert", "retrain"],
        ["10:00", "flights", "3", "retrain", "error"],
    ]
    assert rows[-2:] == [
        "3 of 40 windows would have led to retrain instead of alert",
        "1 of 40 windows would have led to error instead of retrain",
    ]
    assert max(map(len, result.out.splitlines())) <= 80
