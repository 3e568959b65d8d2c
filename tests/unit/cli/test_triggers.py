"""Asking for a model to be trained again, and the list of who asked."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import Call
from .documents import RUN
from .server import Script

TRIGGERS = "/v1/models/flights/triggers"
DETAIL = {
    "trigger_id": "t-0123456789",
    "model": "flights",
    "cause": "drift",
    "actor": "monitor",
    "reason": "departure_delay moved",
    "snapshot": "a" * 64,
    "at": "2026-11-23T10:00:00Z",
    "as_of": None,
    "decision": "allow",
    "rule": None,
    "until": None,
    "why": "drift: run 1 of 8 in 30 days",
    "run_id": RUN,
}


def recorded(decision: str, run_id: str | None = None, **governed: Any) -> tuple[int, Any]:
    said = {"decision": decision, "rule": None, "until": None, "reason": "", **governed}
    return 202, {"trigger_id": "t-0123456789", "governed": said, "run_id": run_id}


def test_a_wish_that_is_allowed_names_the_run(api: Script, cli: Call) -> None:
    api.answers[f"POST {TRIGGERS}"] = recorded("allow", RUN, reason="request: run 1 of 8")
    result = cli(
        *("retrain", "flights", "--new-data", "--snapshot", "2013-04"),
        *("--reason", "April is complete", "--key", "k"),
    )
    assert result.code == 0
    assert f"perennial status {RUN} --follow" in result.out
    (asked,) = api.requests("POST", TRIGGERS)
    assert (asked.key, asked.token) == ("k", "token-of-engineer")
    assert asked.json == {"cause": "data", "snapshot": "2013-04", "reason": "April is complete"}


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            recorded(
                "wait",
                rule="cooldown",
                until="2026-11-24T10:00:00Z",
                reason="the last run began [today]",
            ),
            "not now: the last run began [today]; asked again by itself 2026-11-24 10:00",
        ),
        (recorded("wait", rule="running", reason="it has not ended"), "not now: it has not ended"),
        (
            recorded("ask", rule="failures", reason="3 are enough"),
            "`perennial run flights` starts a run by hand",
        ),
    ],
)
def test_one_that_is_not_says_why_and_what_to_do(
    api: Script, cli: Call, answer: tuple[int, Any], says: str
) -> None:
    api.answers[f"POST {TRIGGERS}"] = answer
    result = cli("retrain", "flights")
    assert result.code == 0, "it was heard"
    assert says in result.out.replace("\n", " ")
    assert api.asked[0].json == {"cause": "request", "reason": ""}
    assert cli("retrain", "flights", "--json").json == answer[1]


def test_all_are_listed_with_what_came_of_them(api: Script, cli: Call) -> None:
    waits = {"decision": "wait", "rule": "cooldown", "why": "24h lie between", "run_id": None}
    items = [DETAIL, {**DETAIL, **waits, "model": "digits"}]
    api.answers["GET /v1/triggers"] = (200, {"items": items, "next_cursor": None})
    out = cli("triggers", "--cause", "drift", "--decision", "wait").out
    assert RUN in out and "digits" in out and "cooldown: 24h" in " ".join(out.split())
    (asked,) = api.requests("GET", "/v1/triggers")
    assert asked.query == {"cause": "drift", "decision": "wait", "limit": "20"}


def test_those_of_one_model_are_asked_for_by_its_name(api: Script, cli: Call) -> None:
    api.answers[f"GET {TRIGGERS}"] = (200, {"items": [DETAIL], "next_cursor": None})
    out = cli("triggers", "flights").out
    assert "model" not in out.splitlines()[0] and "drift: run 1 of 8" in " ".join(out.split())
    api.answers[f"GET {TRIGGERS}"] = (200, {"items": [], "next_cursor": None})
    assert cli("triggers", "flights").out == "no such triggers\n"
    assert cli("triggers", "nobody").code == 3
