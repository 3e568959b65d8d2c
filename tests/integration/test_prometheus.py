"""A real Prometheus asks a real API by the files that are generated, and an alert fires."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.app import create_app
from api.context import Context
from perennial.contracts.serving import Report, Tally
from perennial.settings import Settings
from tests.prometheus import Prometheus, promtool
from tests.prometheus import prometheus as running
from tests.seeded import seed
from tests.served import served

GUIDE = Path("docs/guides/telemetry.md")
AWAY = "127.0.0.1:1"
EVERY = "400ms"


class Plane:
    """A process of the data plane that reports what it has answered."""

    def __init__(self, url: str, token: str) -> None:
        self.url, self.token = url, token

    def reports(self, **counts: int) -> None:
        tally = Tally(
            model="flights", epoch=1, variant="champion", version=1, sha256="0" * 64, **counts
        )
        httpx.put(
            f"{self.url}/v1/deployments/production/processes/host-1",
            content=Report(tallies=(tally,)).model_dump_json(),
            headers={"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"},
        ).raise_for_status()


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plane]:
    """An API whose Temporal, OPA and MLflow are away, and a data plane that reports to it."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", AWAY)
    settings = Settings.model_validate(
        {
            "state_dir": tmp_path,
            "PERENNIAL_OPA_URL": f"http://{AWAY}",
            "MLFLOW_TRACKING_URI": f"http://{AWAY}",
            "RAY_ADDRESS": AWAY,
        }
    )
    context = Context.open(settings)
    seed(context.store)
    tokens = {e["role"]: e["token"] for e in json.loads(settings.tokens.read_text())["tokens"]}
    with served(create_app(context)) as url:
        monkeypatch.setenv("PERENNIAL_API_URL", url)
        monkeypatch.setenv("PERENNIAL_TOKENS_FILE", str(settings.tokens))
        yield Plane(url, tokens["data-plane"])


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    """One that asks nobody yet."""
    folder = tmp_path / ".perennial" / "telemetry"
    folder.mkdir(parents=True)
    (folder / "prometheus.yml").write_text("global: {}")
    with running(folder / "prometheus.yml", tmp_path / "data") as server:
        yield server


@pytest.fixture
def guided(prometheus: Prometheus, api: Plane, tmp_path: Path) -> Prometheus:
    """Set up by the guide's own lines, and in a hurry."""
    blocks = re.findall(r"^```sh\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) == 2
    # the lines are for somebody in the checkout, and write into its folder
    (tmp_path / ".venv").symlink_to(Path(sys.prefix))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(blocks)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "perennial_champion_version" in done.stdout
    folder = tmp_path / ".perennial" / "telemetry"
    config, rules = folder / "prometheus.yml", folder / "alerts.yml"
    config.write_text(config.read_text().replace("15s", EVERY))
    rules.write_text(re.sub(r"\bfor: \w+", "for: 0s", rules.read_text()).replace("15s", EVERY))
    promtool("check", "config", str(config))
    prometheus.reload()
    return prometheus


def test_an_alert_fires(api: Plane, guided: Prometheus) -> None:
    requests = "perennial_serving_requests_total"
    api.reports()
    guided.until(lambda it: it.query(requests))
    api.reports(requests=200, errors=50)
    alert = guided.until(lambda it: it.firing().get("PerennialPredictionsFail"))
    assert alert["labels"] | {"severity": "page"} == alert["labels"]
    assert (alert["labels"]["model"], alert["labels"]["version"]) == ("flights", "1")
    assert alert["annotations"]["summary"] == (
        "25% of the requests fail: version 1 (champion) of flights in production"
    )
    firing = guided.until(lambda it: _those(it, "PerennialAway", "PerennialDependencyAway"))
    assert firing["PerennialAway"]["labels"]["job"] in ("perennial-control", "perennial-ml")
    assert "PerennialNothingServes" not in firing and "PerennialApiFails" not in firing
    [up] = guided.query('up{job="perennial-api"}')
    assert up["value"][1] == "1"


def _those(it: Prometheus, *names: str) -> dict[str, dict[str, object]] | None:
    firing = it.firing()
    return firing if set(names) <= set(firing) else None
