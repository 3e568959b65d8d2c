"""`make demo`, and how it begins on a stack that has seen it before."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

from infra.demo import story
from infra.demo.stage import CHECKOUT, Stage
from infra.stack import Stack
from tests.people import People


def environment(stack: Stack) -> dict[str, str]:
    env = {**os.environ, **stack.env, "COLUMNS": "80"}
    env.pop("PERENNIAL_TOKEN", None)
    return env


def play(stack: Stack) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "infra.demo"],
        env=environment(stack),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr
    return done.stdout


def ask_as_is_written(stack: Stack, document: str) -> str:
    """What the lines of a document print; one that names the default address means the stack."""
    text = (CHECKOUT / document).read_text()
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL))
    lines = lines.replace("http://127.0.0.1:8080", stack.urls["serving"])
    done = subprocess.run(
        ["bash", "-euc", lines], env=environment(stack), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
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
    assert "version 3, step 2 of 2: 50 %" in told and "✗ slow fail" in told
    assert re.search(r"rolled back at (20|50) %: slower than 10 ms: .* of the control", told)
    assert re.search(r"rolled back at (20|50) %: answers: .* of the control", told)
    asked = re.findall(r"([\d,]+) requests about flights of July, (\d+) failed", told)
    assert len(asked) == 3 and all(failed == "0" for _, failed in asked), asked
    assert in_production(people) == [(1, "promotion"), (3, "promotion"), (1, "rollback")]
    runs = people.viewer.runs(model="flights")
    versions = [(run["outcome"], run["version"]) for run in runs]
    denied, better, again, slow, first = versions
    assert (first, slow, again) == (("promoted", 1), ("denied", 2), ("denied", 2))
    assert (better, denied) == (("promoted", 3), ("denied", 1))
    for run, drawn in (runs[1], "step 1, pass: errors: "), (runs[2], ", fail: answers: "):
        page = stack.config.layout.state_dir / f"rollout-{run['run_id']}.html"
        assert drawn in page.read_text()

    asked = ask_as_is_written(stack, "docs/guides/predict.md")
    assert '"class":' in asked and "x-model-version: 1" in asked
    told_by_readme = json.loads(ask_as_is_written(stack, "README.md"))
    assert told_by_readme["model_version"] == "1"
    assert set(told_by_readme["predictions"][0]["probabilities"]) == {"0", "1"}

    # somebody goes on with it, and leaves a run that waits and a model that is paused
    better = {"layers": 1, "hidden": 64}
    left = people.engineer.start_run("flights", epochs=6, params=better)["run_id"]
    assert people.follow(left, lambda run: run["approval"] is not None)["approval"]
    people.engineer.lever("flights", "pause")

    story.start_over(Stage(environment(stack)), people.client("admin"))
    assert people.viewer.run(left)["outcome"] == "cancelled"
    assert people.viewer.model("flights")["status"] == "active"
    assert {c["version"] for c in people.viewer.champions("flights")} == {1}
    assert people.viewer.verify_ledger()["ok"]
