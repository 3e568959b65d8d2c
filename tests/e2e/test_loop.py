"""The closed loop on the whole real stack: a model of winter meets July, is trained again, taken
back by labels, and at last serves no longer."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import TypeVar

import httpx
import yaml

from benchmarks.year.events import Request, Year
from benchmarks.year.measure import SPEC, replay
from infra.stack import Stack
from perennial.documents import Window
from perennial.spec_yaml import parse_spec
from tests.people import People

T = TypeVar("T")

CHECKOUT = Path(__file__).parents[2]
MODEL = "flights-watched"
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
BEGIN = datetime(2013, 7, 1, tzinfo=UTC)
END = BEGIN + DAY


class Days:
    """Days that are asked about through the data plane, with the labels that the API is told."""

    def __init__(self, stack: Stack, people: People, year: Year) -> None:
        self._people, self._year = people, year
        self._url = f"{stack.urls['serving']}/v1/models/{MODEL}:predict"

    def ask(self, request: Request) -> httpx.Response:
        headers = {"x-request-id": request.request_id, "x-event-time": request.at.isoformat()}
        return httpx.post(self._url, json={"instances": request.rows}, headers=headers)

    def rows(self, day: datetime) -> int:
        """That a day has."""
        return sum(len(request.rows) for request in self._year.requests(day, day + DAY))

    def until_answered_by(self, version: int) -> None:
        """Return once all processes answer with that version."""

        def served() -> bool:
            found = self._people.viewer.rollout(MODEL, "production")
            return [v["version"] for v in found["variants"]] == [version] and not found["behind"]

        until(served)

    def until_answered_no_more(self) -> None:
        """Return once nobody answers."""
        request = next(self._year.requests(BEGIN, END))  # of a day that was judged long ago
        until(lambda: self.ask(request).status_code == 404)

    def answered_wrongly(self, day: datetime) -> Window:
        """The window of a day whose labels all say the contrary of its answers."""
        for request in self._year.requests(day, day + DAY):
            answer = self.ask(request)
            assert answer.status_code == 200, answer.text
            late = [each["probabilities"]["1"] for each in answer.json()["predictions"]]
            labels = [
                {
                    "request_id": request.request_id,
                    "row": row,
                    "value": int(said < median(late)),
                    "at": (request.at + DAY).isoformat(),
                    "asked_at": request.at.isoformat(),
                }
                for row, said in enumerate(late)
            ]
            assert self._people.engineer.label(MODEL, labels)["new"] == len(labels)
        # requests of a later hour, and behind its lateness, show that this day is over
        self.ask(next(self._year.requests(day + DAY + HOUR, day + 2 * DAY)))

        def answered() -> Window | None:
            newest = self._people.viewer.windows(MODEL, environment="production", limit=1)[0]
            began = datetime.fromisoformat(newest["start"]) == day
            return newest if began and newest["action"] is not None else None

        return until(answered)


def until(look: Callable[[], T | None]) -> T:
    """What is looked for, once it is there."""
    ends = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < ends, "it does not come"
        time.sleep(0.05)
    return found


def as_the_guide_says(stack: Stack, folder: Path) -> str:
    """What the lines of the guide print."""
    guide = (CHECKOUT / "docs" / "guides" / "monitor-a-model.md").read_text()
    lines = "\n".join(re.findall(r"```sh\n(.*?)```", guide, flags=re.DOTALL))
    folders = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, **stack.env, "MODEL": MODEL, "PATH": folders, "COLUMNS": "100"}
    done = subprocess.run(
        ["bash", "-euc", lines],
        cwd=folder,
        env={**env, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_winters_model_meets_july(stack: Stack, people: People, tmp_path: Path) -> None:
    page = yaml.safe_load(SPEC.read_text())
    page |= {"model": MODEL, "environments": ["production"]}
    page["source"]["options"] = {"months": [1], "days": 20}
    page["metrics"]["thresholds"] = [{"metric": "roc_auc", "min": 0.55}]
    page["monitoring"] |= {"window": "1d", "lasting": {"windows": 1, "of": 1}, "armed": "30d"}
    people.apply(page)
    year = Year(BEGIN, END + 3 * DAY)
    clients = {"engineer": people.engineer, "approver": people.approver}
    spec = parse_spec(json.dumps(page))
    found = replay(spec, year, BEGIN, END, stack.urls["serving"], clients)

    [day] = (week.window for week in found.weeks)
    assert (day["verdict"], day["version"], day["action"]) == ("fail", 1, "retrain")
    assert "temp" in day["reason"] and day["rows"] > 800
    # of those of the last hours nobody has landed by midnight
    assert day["coverage"] is not None and 0.5 < day["coverage"] < 0.9
    assert day["quality_verdict"] not in (None, "no_data") and "roc_auc" in day["metrics"]

    [trigger] = [each for each in found.triggers if each["run_id"]]
    assert trigger["cause"] in ("drift", "quality")
    run = found.runs[trigger["run_id"] or ""]
    assert (run["outcome"], run["actor"], run["version"]) == ("promoted", "monitor", 2)
    assert run["approval"] is not None and run["approval"]["votes"], "the same gates as any"
    snapshot = people.viewer.version(MODEL, 2)["snapshot"]
    assert snapshot["time_to"] < "2013-07-02T04", "nothing that was not known at the window's end"
    assert (found.failed, found.rollbacks) == (0, 0)
    assert found.difference < 1e-5

    # its labels say that it answers worse than promised: back to the one before it
    days = Days(stack, people, year)
    second = days.answered_wrongly(END)
    assert (second["version"], second["action"], second["coverage"]) == (2, "roll_back", 1.0)
    assert second["rows"] == days.rows(END), "whichever process had answered them"
    assert second["quality_verdict"] == "fail" and "back to version 1" in second["followed"]
    days.until_answered_by(1)
    # and so does that one, which nobody may go back from; at high risk it answers no more
    people.apply(page | {"risk_tier": "high"})
    third = days.answered_wrongly(END + DAY)
    assert (third["version"], third["action"]) == (1, "stop_serving")
    assert third["rows"] == days.rows(END + DAY)
    days.until_answered_no_more()
    [none, back, *_] = people.viewer.history(MODEL, environment="production")
    assert [(each["version"], each["cause"], each["actor"]) for each in (none, back)] == [
        (None, "rollback", "monitor"),
        (1, "rollback", "monitor"),
    ]
    told = people.viewer.alerts(model=MODEL, severity="critical")
    assert [each["key"] for each in told if each["kind"] == "rollback"] == [
        "version 1",
        "version 2",
    ]

    told_by_guide = as_the_guide_says(stack, tmp_path)
    assert "2013-07-01" in told_by_guide and "retrain: run" in " ".join(told_by_guide.split())
    drawn = (tmp_path / "report.html").read_text()
    assert "train again" in drawn and "PSI beyond chance" in drawn.partition("Why")[2]
    assert f"{trigger['run_id']}</a> promoted" in drawn
    assert people.viewer.verify_ledger()["ok"]
