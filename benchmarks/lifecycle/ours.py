"""A run through the local stack, asked for and watched over HTTP, and where its time went."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from perennial.client import Client
from perennial.contracts.errors import PerennialError
from perennial.documents import Run

MODEL = "digits"
_SPEC = Path(__file__).parents[2] / "examples" / MODEL / "model.yaml"
BEFORE, BETWEEN, AFTER = "before the first stage", "between stages", "after the last stage"


class RunFailed(PerennialError):
    """A run that was to be measured did not end as champion of production."""


class Ours:
    """The example of the digits: no approval is asked for, so a run goes through by itself."""

    def __init__(self, client: Client) -> None:
        self._client = client
        client.apply(_SPEC.read_bytes())

    def measure(self, epochs: int) -> Mapping[str, float]:
        """Live one life.

        Returns:
            Seconds by part; together they are what the person waited.

        Raises:
            RunFailed: it ended otherwise than promoted.
        """
        asked, began = datetime.now(UTC), time.perf_counter()
        run_id = self._client.start_run(MODEL, epochs=epochs)["run_id"]
        for _ in self._client.events(run_id):
            pass  # until the run has ended
        whole = time.perf_counter() - began
        run = self._client.run(run_id)
        if run["outcome"] != "promoted":
            raise RunFailed(f"run {run_id} ended as {run['outcome']}: {run['reason']}")
        return _parts(run, asked, whole)


def _parts(run: Run, asked: datetime, whole: float) -> Mapping[str, float]:
    parts: dict[str, float] = defaultdict(float)
    before, reached = BEFORE, asked
    for stage in run["stages"]:
        began, ended = _moment(stage["started_at"]), _moment(stage["finished_at"])
        parts[before] += (began - reached).total_seconds()
        parts[f"stage {stage['stage']}"] += (ended - began).total_seconds()
        before, reached = BETWEEN, ended
    parts[AFTER] = whole - sum(parts.values())
    return parts


def _moment(text: str | None) -> datetime:
    assert text is not None  # the run has ended, and so have its stages
    return datetime.fromisoformat(text)
