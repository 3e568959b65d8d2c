"""How soon a version that answers wrongly has no requests any more, on the whole real stack.

Callers ask without a pause; the clock runs from the first answer of the wrong version to the last
one. It is judged each second, so the second that the figures take to be told is in it.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx

from benchmarks.results import Row, row
from infra.stack import Stack
from perennial.client import Client
from perennial.settings import Settings

_ROUNDS = 3
_CASE = "rollback of a wrong version"
_CALLERS = 4
_TARGET_SECONDS = 5.0
_BETWEEN_SECONDS = 6.0
"""Between two rollouts, whose answers are told apart by the silence."""
_MODEL = "points"
_SPEC: dict[str, Any] = {
    "model": _MODEL,
    "project": "infra.drill.project:Points",
    "task": "binary",
    "source": {"uri": "none"},
    "training": {"epochs": 1, "learning_rate": 0.001, "seed": 1},
    "metrics": {
        "primary": "roc_auc",
        "max_regression": 1.0,
        "thresholds": [{"metric": "roc_auc", "min": 0.0}],
    },
    "risk_tier": "low",
    "owners": ["bench@example.org"],
    "environments": ["production"],
    "rollout": {
        "steps": [{"percent": 10, "hold": "1m"}],
        "interval": "1s",
        "guardrails": {
            "errors": {"requests": 100},
            "slow": {"seconds": 5.0, "requests": 100},
            "answers": {"allowed": 0.05, "requests": 100},
        },
    },
}


def rows() -> list[Row]:
    """Seconds until the last wrong answer, the requests that failed, and how many got one."""
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        stack = Stack(Path(folder), Stack.free_ports())
        try:
            stack.up()
            return _measured(stack)
        finally:
            stack.clean()


def _measured(stack: Stack) -> list[Row]:
    tokens = Settings(state_dir=stack.config.layout.state_dir).tokens
    [token] = [e["token"] for e in json.loads(tokens.read_text())["tokens"] if e["name"] == "admin"]
    client = Client(stack.urls["api"], token)
    client.apply(json.dumps(_SPEC).encode())
    _ended(client, client.start_run(_MODEL)["run_id"], "promoted")
    # the wrong one: it has learned, so that its answers are others than the champion's
    wrong = client.start_run(_MODEL, epochs=30, learning_rate=0.1)["run_id"]
    with _Calls(stack.urls["serving"]) as calls:
        _ended(client, wrong, "denied")
        for _ in range(_ROUNDS - 1):
            time.sleep(_BETWEEN_SECONDS)
            again = client.promote(_MODEL, 2, "production")["run_id"]
            _ended(client, again, "denied")
        time.sleep(_BETWEEN_SECONDS)  # what comes late is to be seen
    spells = calls.spells()
    if len(spells) != _ROUNDS:
        raise RuntimeError(f"{len(spells)} rollouts were seen, not {_ROUNDS}")
    seconds = [last - first for first, last, _ in spells]
    return [
        row(
            f"{_CASE}: from the first wrong answer to the last, judged each second",
            statistics.median(seconds),
            "s",
            target=_TARGET_SECONDS,
        ),
        row(f"{_CASE}: the slowest of them", max(seconds), "s", target=_TARGET_SECONDS),
        row(
            f"{_CASE}: requests that got a wrong answer",
            statistics.median([count for _, _, count in spells]),
            "requests",
        ),
        row(f"{_CASE}: failed requests", calls.failed, "requests", target=0),
    ]


def _ended(client: Client, run_id: str, outcome: str) -> None:
    for _ in client.events(run_id):
        pass
    run = client.run(run_id)
    if run["outcome"] != outcome:
        raise RuntimeError(f"run {run_id} ended {run['outcome']}: {run['reason']}")


class _Calls:
    """Callers that ask as fast as they are answered, and when the challenger was who answered."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._wrong: list[float] = []
        self.failed = 0
        self._threads = [threading.Thread(target=self._ask) for _ in range(_CALLERS)]

    def __enter__(self) -> _Calls:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def spells(self) -> list[tuple[float, float, int]]:
        """Each rollout's first and last answer of the challenger, and how many there were."""
        found: list[list[float]] = []
        for at in sorted(self._wrong):
            if not found or at - found[-1][-1] > _BETWEEN_SECONDS / 2:
                found.append([])
            found[-1].append(at)
        return [(spell[0], spell[-1], len(spell)) for spell in found]

    def _ask(self) -> None:
        body = {"instances": [{"x": 0.4, "y": 0.3}]}
        with httpx.Client(base_url=self._url, timeout=10) as client:
            path = f"/v1/models/{_MODEL}:predict"
            # each process hears of its first version within a second, and this is one of them
            while client.post(path, json=body).status_code != 200 and not self._over.is_set():
                time.sleep(0.05)
            while not self._over.is_set():
                answer = client.post(path, json=body)
                with self._lock:
                    self.failed += answer.status_code != 200
                    if answer.headers.get("x-variant") == "challenger":
                        self._wrong.append(time.monotonic())
