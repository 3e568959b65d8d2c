"""A demo that cannot be played says what failed, where the logs are, and ends with 1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .documents import RUN, finished, model
from .server import Script


def play(state_dir: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "infra.demo"],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PERENNIAL_STATE_DIR": str(state_dir), "COLUMNS": "80"},
        capture_output=True,
        text=True,
    )


@pytest.fixture
def state(environment: dict[str, str], tmp_path: Path) -> Path:
    state = tmp_path / ".perennial"
    summary = json.loads((state / "stack.json").read_text())
    (state / "stack.json").write_text(json.dumps(summary | {"logs": str(state / "logs")}))
    return state


def test_a_command_that_ends_otherwise_stops_the_demo(api: Script, state: Path) -> None:
    api.answers |= {
        "POST /v1/models": (200, {"model": "flights", "spec_version": 1, "changed": True}),
        "GET /v1/models/flights": (200, model(champions=[])),
        "GET /v1/models/flights/champions/history": (200, {"items": [], "next_cursor": None}),
        "POST /v1/models/flights/runs": (202, {"run_id": RUN, "status": "running", "ahead": 0}),
    }
    api.first_run = finished("failed", "Ray does not answer")
    played = play(state)
    assert played.returncode == 1
    assert (
        "`perennial run flights --reason 'a first model'` ended with exit code 1" in played.stdout
    )
    assert f"logs      {state / 'logs'}" in played.stdout
    assert played.stderr == ""


def test_a_stack_that_is_down_is_said_to_be(state: Path) -> None:
    (state / "tokens.json").unlink()
    played = play(state)
    assert played.returncode == 1
    assert "tokens.json is not there" in played.stdout
    assert "make demo" in played.stdout
