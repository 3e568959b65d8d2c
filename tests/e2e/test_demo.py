"""`make demo`, twice on the same state: the second time versions go on."""

from __future__ import annotations

import os
import subprocess
import sys

from infra.stack import Stack
from tests.people import People


def play(stack: Stack) -> str:
    env = {**os.environ, **stack.env, "COLUMNS": "80"}
    env.pop("PERENNIAL_TOKEN", None)
    done = subprocess.run(
        [sys.executable, "-m", "infra.demo"], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return done.stdout


def in_production(people: People) -> list[tuple[int | None, str]]:
    """Versions and why they became champion, the oldest first."""
    reigns = people.viewer.history("flights", environment="production")
    return [(reign["version"], reign["cause"]) for reign in reversed(reigns)]


def test_the_demo_tells_what_happened(stack: Stack, people: People) -> None:
    told = play(stack)
    assert "denied: development" in told
    assert "is worse than" in told and "0.002 is allowed" in told
    assert "rows hold, head" in told
    assert in_production(people) == [(1, "promotion"), (3, "promotion"), (1, "rollback")]
    outcomes = [run["outcome"] for run in people.viewer.runs(model="flights")]
    assert outcomes == ["promoted", "denied", "promoted"]

    # somebody goes on with it, and leaves a run that waits and a model that is paused
    better = {"layers": 1, "hidden": 64}
    left = people.engineer.start_run("flights", epochs=6, params=better)["run_id"]
    assert people.follow(left, lambda run: run["approval"] is not None)["approval"]
    people.engineer.lever("flights", "pause")

    again = play(stack)
    assert "seen the demo before: back to version 1" in again
    assert people.viewer.run(left)["outcome"] == "cancelled"
    assert in_production(people)[3:] == [(5, "promotion"), (7, "promotion"), (5, "rollback")]
    assert people.viewer.verify_ledger()["ok"]
