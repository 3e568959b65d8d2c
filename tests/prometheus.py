"""A real Prometheus for tests: its own folder, its own port, gone afterwards."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from tests.servers import free_port, wait_for

T = TypeVar("T")


def program(name: str) -> str:
    """The path of `prometheus` or `promtool`.

    Raises:
        RuntimeError: it is not on this machine.
    """
    if (found := shutil.which(name)) is None:
        raise RuntimeError(
            f"these tests need {name}: install the package prometheus (Debian), or put prometheus "
            f"and promtool on PATH"
        )
    return found


def promtool(*words: str, given: str | None = None) -> str:
    """What promtool says of something that it finds right; an AssertionError where it does not."""
    done = subprocess.run(
        [program("promtool"), *words], input=given, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


class Prometheus:
    """One that runs."""

    def __init__(self, url: str, server: subprocess.Popen[bytes]) -> None:
        self._server = server
        self._client = httpx.Client(base_url=url, timeout=5)

    def reload(self) -> None:
        """Read the configuration again. Whom it asks changes every five seconds after its start."""
        self._server.send_signal(signal.SIGHUP)

    def query(self, expr: str) -> list[dict[str, Any]]:
        """What an expression is now."""
        answer = self._client.get("/api/v1/query", params={"query": expr})
        return list(answer.json()["data"]["result"])

    def firing(self) -> dict[str, dict[str, Any]]:
        """Alerts that fire, by their name."""
        alerts = self._client.get("/api/v1/alerts").json()["data"]["alerts"]
        return {
            alert["labels"]["alertname"]: alert for alert in alerts if alert["state"] == "firing"
        }

    def until(self, look: Callable[[Prometheus], T | None], seconds: float = 30) -> T:
        """What a look finds, once it finds anything."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := look(self):
                return found
            time.sleep(0.1)
        raise AssertionError(f"Prometheus did not come to it; firing: {list(self.firing())}")

    def close(self) -> None:
        self._client.close()


@contextmanager
def prometheus(config: Path, data: Path) -> Iterator[Prometheus]:
    """Runs by a configuration for as long as the block lasts."""
    at = f"127.0.0.1:{free_port()}"
    server = subprocess.Popen(
        [
            program("prometheus"),
            f"--config.file={config}",
            f"--storage.tsdb.path={data}",
            f"--web.listen-address={at}",
            "--scrape.discovery-reload-interval=100ms",  # 5 s, else, beside those of `reload`
            "--log.level=warn",
        ]
    )
    running = Prometheus(f"http://{at}", server)
    try:
        wait_for(f"http://{at}/-/ready", server)
        yield running
    finally:
        running.close()
        server.terminate()
        server.wait(20)
