"""A version earns its traffic on the whole real stack, requests and all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from infra.stack import Stack
from serving.cores import cores
from tests.e2e.test_bad_input import spec_of
from tests.e2e.test_serving import ask, until_version
from tests.people import People, good_rows, write_points
from tests.terminal import on_a_terminal

STEPS = [
    {"percent": 0, "shadow": 50, "hold": "1s"},
    {"percent": 10, "hold": "2s"},
    {"percent": 50, "hold": "2s"},
]
DESCRIBED = "copies of 50 % for 1s, 10 % for 2s, 50 % for 2s"
PLAN = {
    "strategy": "canary",
    "steps": STEPS,
    "interval": "1s",
    "longest_hold": "5m",
    "entity": "x-customer",
    "guardrails": {
        "errors": {"requests": 100},
        "slow": {"seconds": 5.0, "requests": 100},
        "answers": {"allowed": 0.05, "requests": 100},
        "disagreement": {"allowed": 0.9, "requests": 100},
    },
}


class Callers:
    """Customers who ask without a pause, each on a connection of their own."""

    def __init__(self, url: str, model: str) -> None:
        self._url, self._model = url, model
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(4)]
        self._lock = threading.Lock()
        self.found = Counter[tuple[int, str, str]]()
        """Answers by status, variant and version."""

    def __enter__(self) -> Callers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        with httpx.Client(base_url=self._url, timeout=10) as client:
            until_version(client, self._model, 1)
            turn = 0
            while not self._over.is_set():
                turn += 1
                customer = f"{number}-{turn % 50}"
                row = {"x": turn * 37 % 101 / 50 - 1, "y": turn * 53 % 89 / 44 - 1, "kind": "a"}
                answer = client.post(
                    f"/v1/models/{self._model}:predict",
                    json={"instances": [row]},
                    headers={"x-customer": customer},
                )
                variant, version = (
                    answer.headers.get(name, "") for name in ("x-variant", "x-model-version")
                )
                with self._lock:
                    self.found[answer.status_code, variant, version] += 1


@pytest.fixture
def caller(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.urls["serving"], timeout=10) as client:
        yield client


def said(stack: Stack, *arguments: str, name: str = "engineer") -> Any:
    """The answer of the command line."""
    done = subprocess.run(
        [sys.executable, "-m", "perennial.cli", "rollout", *arguments, "--as", name, "--json"],
        env={**os.environ, **stack.env},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def at_a_terminal(stack: Stack, *arguments: str, typed: bytes = b"") -> tuple[int, str]:
    """The exit code of the command line, and what a person sees of it."""
    env = {**os.environ, **stack.env, "TERM": "xterm-256color", "COLUMNS": "100", "NO_COLOR": "1"}
    return on_a_terminal(["rollout", *arguments], env, typed)


def alone(people: People, model: str, version: int) -> bool:
    found = people.viewer.rollout(model, "production")
    return [(v["name"], v["version"]) for v in found["variants"]] == [("champion", version)]


def as_the_guide_says(stack: Stack, model: str, name: str) -> str:
    """What the lines of a guide print."""
    checkout = Path(__file__).parents[2]
    guide = (checkout / "docs" / "guides" / name).read_text()
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", guide, flags=re.DOTALL))
    folders = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, **stack.env, "MODEL": model, "PATH": folders, "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-euc", lines],
        env={**env, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def kill(stack: Stack, service: str) -> None:
    for pid in stack.pids(service):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def both_answers(stack: Stack, model: str) -> int:
    """Requests in the log that a champion answered, and a challenger beside it."""
    log = Path(stack.env["PERENNIAL_STATE_DIR"]) / "requests"
    files = (log / "environment=production" / f"model={model}").rglob("*.parquet")
    columns = ["request_id", "copy"]
    rows = pa.concat_tables(pq.read_table(file, columns=columns) for file in files).to_pylist()
    ours = {row["request_id"] for row in rows if not row["copy"]}
    return len(ours & {row["request_id"] for row in rows if row["copy"]})


def first_share(people: People, run_id: str) -> None:
    """Return once the version has requests."""
    for event in people.engineer.events(run_id):
        if event.name == "deployment":
            return
    raise AssertionError("the run ended without one")


def ruled_on_the_page(people: People, model: str) -> None:
    """Look at a rollout in a browser until it waits, and let it go on."""
    page = f"/rule/{model}/production"
    with httpx.Client(base_url=people.url, follow_redirects=True) as browser:
        browser.post(page, data={"do": "login", "token": people.token("engineer")})
        seen = browser.get(page).text
        assert "ruling on a rollout is for approvers" in seen or "goes on by itself in" in seen
        browser.post(page, data={"do": "login", "token": people.token("approver")})
        ends = time.monotonic() + 30
        while "at step 2: 50 %" not in (seen := browser.get(page).text):
            assert time.monotonic() < ends, seen
            time.sleep(0.1)
        assert "has answered no request" in seen and "<td>errors</td><td>no_data</td>" in seen
        [alert] = people.viewer.alerts(model=model, status="open")
        assert people.viewer.alert(alert["alert_id"])["links"]["page"] == page
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w*)"', seen))
        done = browser.post(page, data={**form, "do": "on", "comment": "on the page"})
        assert done.status_code == 200 and "You let it go on." in done.text, done.text


def test_a_version_climbs_or_falls_or_is_called_off(
    stack: Stack, people: People, caller: httpx.Client, tmp_path: Path
) -> None:
    data = write_points(tmp_path, good_rows(1000))
    kept = {"share": 1.0, "keep": "1d"}
    spec = spec_of(data, environments=["production"], rollout=PLAN, request_log=kept, patience="1m")
    model = spec["model"]
    people.apply(spec)
    plan = said(stack, "plan", model)
    assert plan["steps"] == f"{DESCRIBED}, 100 %" and plan["expected_seconds"] == 5
    first = people.run(model)
    assert first["outcome"] == "promoted", first["reason"]
    until_version(caller, model, 1)

    with Callers(stack.urls["serving"], model) as callers:
        # the same again answers the same; what watches it dies, and it goes on
        asked = people.engineer.start_run(model)["run_id"]
        first_share(people, asked)
        kill(stack, "control")
        kill(stack, "api")
        stack.up()
        alike = people.finished(asked)
        assert alike["outcome"] == "promoted", alike["reason"]
        until_version(caller, model, 2)
        assert alone(people, model, 2)
        assert {status for status, _, _ in callers.found} == {200}
        climbed = {(variant, version) for _, variant, version in callers.found}
        assert {("challenger", "2"), ("control", "1"), ("champion", "1")} <= climbed

        # copies would have shown it before any caller saw it
        people.apply({**spec, "rollout": {**PLAN, "steps": STEPS[1:]}})
        asked = people.engineer.start_run(model, epochs=40)["run_id"]
        code, seen = at_a_terminal(stack, "watch", model)
        other = people.engineer.run(asked)
        assert (other["outcome"], code) == ("denied", 6), seen
        assert "version 3, step 1 of 2: 10 %" in seen and "✗ answers fail" in seen
        assert "rolled back at 10 %" in seen and "version 2 answers all requests" in seen
        assert "rolled back at 10 %: answers:" in other["reason"], other["reason"]
        assert alone(people, model, 2)
        until_version(caller, model, 2)
        people.apply(spec)
        told = as_the_guide_says(stack, model, "roll-out.md")
        assert f"canary in production: {DESCRIBED}, 100 %" in told
        assert "0:00:05 if all goes well" in told and "100 %" in told.split("variant")[1]
        shown = said(stack, "show", model)
        assert shown["under_way"] is None and shown["processes"] == cores()
    assert {status for status, _, _ in callers.found} == {200}
    assert both_answers(stack, model) > 100, "of copies and their requests"
    [rollout] = [s for s in other["stages"] if s["stage"] == "rollout"]
    assert rollout["status"] == "failed"
    decided = people.viewer.decisions(run_id=other["run_id"])
    assert [d["outcome"] for d in decided] == ["deny", "allow", "allow"], "step, first share, gate"

    slow = {**PLAN, "steps": [{"percent": 10, "hold": "1h"}]}
    people.apply({**spec, "rollout": slow})
    asked = people.engineer.promote(model, 3, "production")["run_id"]
    first_share(people, asked)
    under_way = said(stack, "show", model)["under_way"]
    assert (under_way["step"], under_way["version"], under_way["held"]) == (1, 3, "")
    people.engineer.lever(model, "pause")
    assert said(stack, "show", model)["under_way"]["held"] == f"{model} is paused"
    people.admin.lever(model, "resume")
    said(stack, "call-off", model, "--reason", "incident 7", name="approver")
    run = people.finished(asked)
    assert run["outcome"] == "denied" and "approver called it off at 10 %" in run["reason"]
    assert alone(people, model, 2) and ask(caller, model).status_code == 200

    # nobody asks now: figures that decide nothing, on which a person rules
    steps = [{"percent": percent, "hold": "1s"} for percent in (10, 50)]
    quick = {**slow, "steps": steps, "longest_hold": "1s"}
    people.apply({**spec, "rollout": quick})
    asked = people.engineer.promote(model, 3, "production")["run_id"]
    people.follow(asked, lambda run: run["waiting_for"] == "ruling:production")
    said_yes = ("go-on", model, "--as", "approver", "-m", "a quiet night")
    code, seen = at_a_terminal(stack, *said_yes, typed=b"y\n")
    assert code == 0, seen
    assert "? errors no_data" in seen and "has answered no request" in seen
    assert "Let it go on as approver?" in seen and "it goes on" in seen
    # the next step on the page that the alert leads to
    ruled_on_the_page(people, model)
    assert people.finished(asked)["outcome"] == "promoted" and alone(people, model, 3)
    assert people.viewer.alerts(model=model, status="open") == []
    picture = tmp_path / "rollout.html"
    said(stack, "picture", asked, "--out", str(picture))
    drawn = picture.read_text()
    assert "approver ruled that it goes on: a quiet night" in drawn
    assert "approver ruled that it goes on: on the page" in drawn
    assert "challenger: version 3, 10 %" in drawn and "waited for a person" in drawn
    told = as_the_guide_says(stack, model, "roll-back.md")
    assert f"version 2 of {model} is champion of production again" in told
    assert "delays of KLM are all wrong" in told and alone(people, model, 2)
    assert people.viewer.verify_ledger()["ok"]
