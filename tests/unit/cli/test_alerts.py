"""Alerts on the command line, and the lines of the guide about them."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from activities.channels import read_channels
from perennial.contracts.alert_plan import AlertPlan

from .conftest import Call
from .documents import STARTED, problem
from .server import Script

GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "alerts.md"
ALERT, SILENCE = "a-9b1c2d3e4f5a", "s-9b1c2d3e4f5a"


def alert(**more: Any) -> dict[str, Any]:
    return {
        "alert_id": ALERT,
        "model": "flights",
        "environment": "production",
        "severity": "critical",
        "kind": "drift",
        "key": "distance",
        "title": "distance moved [much]",
        "status": "open",
        "raised": 3,
        "first_at": STARTED,
        "last_at": STARTED,
        "muted": False,
        "acknowledged_by": None,
        "acknowledged_at": None,
        "comment": "",
        "closed_at": None,
        "closed_because": "",
        **more,
    }


def detail(**more: Any) -> dict[str, Any]:
    delivery = {
        "delivery_id": "msg_1",
        "channel": "pager",
        "cause": "worse",
        "status": "failed",
        "attempts": 8,
        "next_at": STARTED,
        "last_error": "it answered HTTP 500",
        "created_at": STARTED,
        "sent_at": None,
    }
    return {
        **alert(),
        "body": "PSI 0.41",
        "detail": {},
        "links": {"run": "/v1/runs/r1"},
        "escalate_at": None,
        "deliveries": [delivery],
        **more,
    }


def silence() -> dict[str, Any]:
    return {
        "silence_id": SILENCE,
        "model": None,
        "pattern": "drift/*",
        "actor": "engineer",
        "reason": "repairs",
        "since": STARTED,
        "until": STARTED,
        "ended_by": None,
    }


@pytest.fixture
def answering(api: Script) -> Script:
    open_only = {"items": [alert()], "next_cursor": None}
    api.answers |= {
        "GET /v1/alerts": lambda asked: (
            200,
            open_only if asked.query.get("status") == "open" else {"items": []},
        ),
        f"GET /v1/alerts/{ALERT}": (200, detail()),
        f"POST /v1/alerts/{ALERT}/acknowledge": (200, detail(acknowledged_by="engineer")),
        "GET /v1/silences": (200, {"items": [silence()], "next_cursor": None}),
        "POST /v1/silences": (200, silence()),
        f"POST /v1/silences/{SILENCE}/end": (200, silence()),
    }
    return api


def test_the_lines_of_the_guide(answering: Script, cli: Call) -> None:
    [block] = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    out = ""
    for line in block.splitlines():
        result = cli(*shlex.split(line)[1:])
        assert result.code == 0, (line, result.err)
        out += result.out
    for said in (
        "distance moved [much]",
        "it answered HTTP 500",
        f"{ALERT} is engineer's now",
        "drift/* of every model is not sent until",
        f"perennial alerts unsilence {SILENCE}",
    ):
        assert said in out
    first, second = answering.requests("POST", "/v1/silences")
    assert first.json == {
        "model": "flights",
        "pattern": "drift/*",
        "duration": "4h",
        "reason": "the feed is being repaired",
    }
    assert second.json["model"] is None
    assert answering.requests("POST", f"/v1/alerts/{ALERT}/acknowledge")[0].json == {
        "comment": "looking at it"
    }


def test_the_yaml_of_the_guide(tmp_path: Path) -> None:
    channels, spec = re.findall(r"^```yaml\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.M)
    path = tmp_path / "channels.yaml"
    path.write_text(channels)
    path.chmod(0o600)
    names = read_channels(path)
    plan = AlertPlan.model_validate(yaml.safe_load(spec)["alerts"])
    assert {*plan.channels_for("critical"), *plan.escalate_to} == set(names)
    assert plan.channels_for("high") == ("flights-team",)


def test_what_is_over_is_listed_with_all_only(answering: Script, cli: Call) -> None:
    assert cli("alerts", "--json").json == {"items": [alert()]}
    assert cli("alerts", "list", "--all").out == "no alerts\n"
    assert [asked.query.get("status") for asked in answering.requests("GET", "/v1/alerts")] == [
        "open",
        "acknowledged",
        None,
    ]


def test_one_that_somebody_has_is_refused(answering: Script, cli: Call) -> None:
    answering.answers[f"POST /v1/alerts/{ALERT}/acknowledge"] = (
        409,
        problem(409, "refused", "ada acknowledged alert a-1; talk to them"),
    )
    result = cli("alerts", "ack", ALERT)
    assert result.code == 1
    assert "talk to them" in result.err
