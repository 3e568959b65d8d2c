"""The closed loop on the whole real stack: a model of winter meets July and is trained again."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import yaml

from benchmarks.year.events import Year
from benchmarks.year.measure import SPEC, replay
from infra.stack import Stack
from perennial.spec_yaml import parse_spec
from tests.people import People

CHECKOUT = Path(__file__).parents[2]
MODEL = "flights-watched"
BEGIN = datetime(2013, 7, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=1)


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
    page["monitoring"] |= {"window": "1d", "lasting": {"windows": 1, "of": 1}}
    people.apply(page)
    year = Year(BEGIN, END + timedelta(hours=6))
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

    evening = list(year.requests(END, END + timedelta(hours=4)))[-1]
    answer = httpx.post(
        f"{stack.urls['serving']}/v1/models/{MODEL}:predict", json={"instances": evening.rows}
    )
    assert answer.headers["x-model-version"] == "2"

    told = as_the_guide_says(stack, tmp_path)
    assert "2013-07-01" in told and "retrain: run" in " ".join(told.split())
    drawn = (tmp_path / "report.html").read_text()
    assert "train again" in drawn and "PSI beyond chance" in drawn.partition("Why")[2]
    assert f"{trigger['run_id']}</a> promoted" in drawn
    assert people.viewer.verify_ledger()["ok"]
