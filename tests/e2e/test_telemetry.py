"""What a whole stack shows to Prometheus: the API, the data plane's sums, and both workers."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import httpx

from infra.stack import Stack
from infra.telemetry import alerts, dashboard
from perennial.contracts.queues import CONTROL, ML
from tests.e2e.test_serving import ask, until_version
from tests.people import People
from tests.scraped import Scrape

_SECONDS = 20
ASKED = {
    name
    for expr in (
        *(alert.expr for alert in alerts.ALERTS),
        *(expr for row in dashboard.ROWS for panel in row.panels for expr, _ in panel.lines),
    )
    for name in re.findall(r"temporal_[a-z_]+", expr)
    if "failed" not in name  # shown from the first failure on
}


def until(look: Callable[[], Scrape], holds: Callable[[Scrape], bool]) -> Scrape:
    deadline = time.monotonic() + _SECONDS
    while not holds(found := look()):
        assert time.monotonic() < deadline, sorted(found.names)
        time.sleep(0.1)
    return found


def test_the_stack_shows_what_it_does(stack: Stack, people: People, promoted: str) -> None:
    def api() -> Scrape:
        answer = httpx.get(
            f"{people.url}/metrics", headers={"Authorization": f"Bearer {people.token('viewer')}"}
        )
        return Scrape(answer.raise_for_status().text)

    requests = "perennial_serving_requests_total"
    with httpx.Client(base_url=stack.urls["serving"], timeout=10) as caller:
        until_version(caller, promoted, 1)
        place = {"model": promoted, "environment": "production"}
        champion = {**place, "variant": "champion", "version": "1"}
        before = until(api, lambda it: it.value(requests, **champion) is not None)
        for _ in range(3):
            assert ask(caller, promoted).status_code == 200
    now = (before.value(requests, **champion) or 0) + 3
    found = until(api, lambda it: (it.value(requests, **champion) or 0) >= now)
    assert found.value("perennial_champion_version", **place) == 1
    assert (found.value("perennial_serving_processes", environment="production") or 0) >= 1
    for queue, kind in ((CONTROL, "workflow"), (CONTROL, "activity"), (ML, "activity")):
        assert found.value("perennial_task_queue_backlog", queue=queue, kind=kind) is not None
    for dependency in found.labels("perennial_dependency_up", "dependency"):
        assert found.value("perennial_dependency_up", dependency=dependency) == 1, dependency

    shown: set[str] = set()
    for port in (stack.config.ports.control_metrics, stack.config.ports.ml_metrics):
        worker = Scrape(httpx.get(f"http://127.0.0.1:{port}/metrics").raise_for_status().text)
        assert (worker.value("process_resident_memory_bytes") or 0) > 1e7
        shown |= worker.names
    assert ASKED and shown >= ASKED, sorted(ASKED - shown)
