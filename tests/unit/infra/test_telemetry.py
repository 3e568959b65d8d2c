"""Alert rules and the dashboard name only what there is, and read as Prometheus reads them."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import httpx
import pytest
import yaml

from infra.stack.config import Config
from infra.stack.ports import Ports
from infra.telemetry import alerts, dashboard, scraping
from infra.telemetry.__main__ import write
from perennial.discovery import DiscoveryError
from tests.prometheus import promtool
from tests.scraped import Scrape
from tests.unit.api.conftest import app, as_, context, settings, tokens, viewer  # noqa: F401
from workers import bus_figures

GUIDE = Path("docs/guides/telemetry.md")
EXPRESSIONS = [
    *(alert.expr for alert in alerts.ALERTS),
    *(expr for row in dashboard.ROWS for panel in row.panels for expr, _ in panel.lines),
]


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files for an API behind a proxy, whose viewer has a token."""
    entries = {"tokens": [{"name": "viewer", "role": "viewer", "token": "secret"}]}
    (tmp_path / "tokens.json").write_text(json.dumps(entries))
    monkeypatch.setenv("PERENNIAL_TOKENS_FILE", str(tmp_path / "tokens.json"))
    monkeypatch.setenv("PERENNIAL_API_URL", "https://models.example/perennial")
    folder = tmp_path / "telemetry"
    write(folder, Config(tmp_path, Ports(control_metrics=1111, ml_metrics=2222)))
    return folder


def test_promtool_finds_them_right(written: Path) -> None:
    said = promtool("check", "config", str(written / "prometheus.yml"))
    assert f"{len(alerts.ALERTS)} rules found" in said


def test_every_expression_of_the_dashboard_is_one(tmp_path: Path) -> None:
    rules = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(EXPRESSIONS)]
    file = tmp_path / "panels.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", str(file))


async def test_they_ask_for_what_the_api_shows(
    viewer: httpx.AsyncClient,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = tmp_path / "nvidia-smi"  # figures of GPUs are shown where there is one
    driver.write_text("#!/bin/sh\necho '0, NVIDIA H100 80GB HBM3, 37, 12045, 81559, 54, 312.40'\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    shown = Scrape((await viewer.get("/metrics")).text)
    known = {
        f"{name}{end}"
        for name, family in shown.families.items()
        for end in {"counter": ("_total",), "histogram": ("_bucket",)}.get(family.type, ("",))
    }
    known |= {bus_figures.CONNECTED, f"{bus_figures.MESSAGES}_total"}  # tests/integration/api
    asked = {name for expr in EXPRESSIONS for name in re.findall(r"perennial_[a-z_]+", expr)}
    assert len(asked) > 20
    assert asked <= known


async def test_promtool_finds_the_names_good(viewer: httpx.AsyncClient) -> None:  # noqa: F811
    text = (await viewer.get("/metrics")).text
    ours = [line for line in text.splitlines(keepends=True) if "perennial_" in line]
    promtool("check", "metrics", given="".join(ours))


def test_the_scrape_asks_with_the_viewers_token(written: Path) -> None:
    api, control, ml = yaml.safe_load((written / "prometheus.yml").read_text())["scrape_configs"]
    assert (api["scheme"], api["metrics_path"]) == ("https", "/perennial/metrics")
    assert api["static_configs"] == [{"targets": ["models.example"]}]
    assert control["static_configs"] == [{"targets": ["127.0.0.1:1111"]}]
    assert ml["static_configs"] == [{"targets": ["127.0.0.1:2222"]}]
    token = written / api["authorization"]["credentials_file"]
    assert token.read_text() == "secret"
    assert stat.S_IMODE(token.stat().st_mode) == 0o600


def test_who_listens_to_a_bus_is_asked_where_there_is_one(tmp_path: Path) -> None:
    ports = Ports(bus_metrics=3333)
    listens = scraping.document("http://x", Config(tmp_path, ports, bus_url="amqp://bus"))
    *_, bus = listens["scrape_configs"]
    assert bus["job_name"] == "perennial-bus"
    assert bus["static_configs"] == [{"targets": ["127.0.0.1:3333"]}]


def test_without_a_token_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERENNIAL_TOKENS_FILE", str(tmp_path / "nothing.json"))
    with pytest.raises(DiscoveryError, match="make up"):
        write(tmp_path / "telemetry", Config(tmp_path))
    assert not (tmp_path / "telemetry").exists()


def test_panels_lie_beside_each_other() -> None:
    panels = dashboard.document()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for at in [panel["gridPos"]]
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23


def test_every_alert_says_what_to_do() -> None:
    assert len({alert.name for alert in alerts.ALERTS}) == len(alerts.ALERTS)
    for alert in alerts.ALERTS:
        assert alert.todo.endswith(".") and len(alert.todo) > 20, alert.name


def test_the_guide_lists_every_alert() -> None:
    rows = re.findall(r"^\| (Perennial\w+) \| .* \| (\w+) \|$", GUIDE.read_text(), re.MULTILINE)
    assert rows == [(alert.name, alert.severity) for alert in alerts.ALERTS]
