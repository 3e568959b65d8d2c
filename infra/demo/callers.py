"""Callers of the demo: real flights of July, asked about at a steady rate, and who answered."""

from __future__ import annotations

import csv
import threading
import time
from collections import Counter
from itertools import cycle, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

FLIGHTS = Path(__file__).resolve().parents[2] / "examples" / "flights" / "july.csv"
_TEXT = ("carrier", "origin", "dest")
_THREADS = 4
_REQUESTS_A_SECOND = 120.0
_LONGEST_SECONDS = 5.0


def flights() -> list[dict[str, Any]]:
    """Rows as the prediction service wants them; what is not known is None."""
    with FLIGHTS.open(newline="") as file:
        return [
            {
                name: value if name in _TEXT else float(value) if value else None
                for name, value in row.items()
            }
            for row in csv.DictReader(file)
        ]


class Callers:
    """Some threads that ask for as long as the block lasts, each on a connection of its own.

    Their rate is bounded: each waits for its answer, and for its next turn.
    """

    def __init__(self, url: str, model: str) -> None:
        """Ask a model.

        Args:
            url: of the prediction service.
            model: that has a champion there.
        """
        self._url, self._model = url, model
        self._rows = flights()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._answered = Counter[int]()
        self._failed = 0
        self._threads = [
            threading.Thread(target=self._ask, args=(number,), name=f"caller-{number}", daemon=True)
            for number in range(_THREADS)
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(2 * _LONGEST_SECONDS)

    def counted(self) -> str:
        """How many were answered by which version since the last time that this was asked."""
        with self._lock:
            answered, failed = self._answered, self._failed
            self._answered, self._failed = Counter(), 0
        versions = ", ".join(
            f"version {version} {count:,}" for version, count in sorted(answered.items())
        )
        total = answered.total() + failed
        return f"{total:,} requests about flights of July, {failed:,} failed; {versions}"

    def _ask(self, number: int) -> None:
        path = f"/v1/models/{self._model}:predict"
        pause = _THREADS / _REQUESTS_A_SECOND
        due = time.monotonic() + number * pause / _THREADS
        with httpx.Client(base_url=self._url, timeout=_LONGEST_SECONDS) as client:
            for row in islice(cycle(self._rows), number * len(self._rows) // _THREADS, None):
                if self._over.wait(max(due - time.monotonic(), 0)):
                    return
                # one that was answered late does not hurry to catch up
                due = max(due + pause, time.monotonic())
                self._note(client, path, row)

    def _note(self, client: httpx.Client, path: str, row: dict[str, Any]) -> None:
        try:
            answer = client.post(path, json={"instances": [row]})
            version = int(answer.raise_for_status().headers["x-model-version"])
        except httpx.HTTPError:
            with self._lock:
                self._failed += 1
            return
        with self._lock:
            self._answered[version] += 1
