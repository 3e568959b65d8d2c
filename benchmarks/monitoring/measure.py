"""From a window's frame to a verdict: each entrant in turn, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.monitoring import event_times, exact, frames, many, moved, window
from benchmarks.orchestration.install import PeerMissing, python_peer
from benchmarks.results import Row, row

ROUNDS = "PERENNIAL_BENCH_ROUNDS"
SIZES = "PERENNIAL_BENCH_ROWS"
_ROUNDS = 3
_ROWS, _COLUMNS = (1_000, 100_000, 1_000_000), (10, 50)
_TARGET = 0.1
_AGREES = 1.0
_PEERS = Path(__file__).parent / "peers"
_ROOT = Path(__file__).parents[2]

OURS, PLAIN, EVIDENTLY, NANNYML = "Perennial", "whylogs on pandas", "Evidently", "NannyML"


class Entrant(NamedTuple):
    """Somebody who judges.

    Attributes:
        module: that measures.
        python: its interpreter, installed where it has to be.
    """

    module: str
    python: Callable[[], Path]


ENTRANTS = {
    OURS: Entrant("ours", lambda: Path(sys.executable)),
    PLAIN: Entrant("plain_whylogs", lambda: Path(sys.executable)),
    EVIDENTLY: Entrant("peers.evidently_verdict", lambda: python_peer("evidently", _PEERS)),
    NANNYML: Entrant("peers.nannyml_verdict", lambda: python_peer("nannyml", _PEERS)),
}


class EntrantFailed(Exception):
    """It said nothing that is a result."""


def run() -> list[Row]:
    """Latency and memory beside each peer, agreement with scipy, a whole window, and hundreds of
    models that are watched."""
    load, rounds = os.getloadavg()[0], int(os.environ.get(ROUNDS, _ROUNDS))
    sizes = [int(each) for each in os.environ.get(SIZES, "").split(",") if each] or list(_ROWS)
    here, failures = {}, {}
    for name, entrant in ENTRANTS.items():  # before anything is measured
        try:
            here[name] = entrant.python()
        except PeerMissing as error:
            failures[name] = error.message
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="pb-") as folder:
        for rows in sizes:
            for columns in _COLUMNS:
                path = frames.write(Path(folder), rows, columns)
                taken = {}
                for name, python in here.items():
                    print(f"  {rows:,} x {columns}: {name}", flush=True)
                    try:
                        taken[name] = _taken(name, python, path, rounds)
                    except EntrantFailed as error:
                        failures[f"{name} at {rows:,} x {columns}"] = str(error)
                found += _rows(f"{rows:,} rows x {columns} columns", taken)
                found += _agreement(path, columns, taken)
                path.unlink()
    found += [*moved.run(), *asyncio.run(window.run())]
    for what, measured in (("event times", event_times.run), ("many models", many.run)):
        print(f"  {what}", flush=True)
        found += measured()
    for name, why in failures.items():
        print(f"  {name} is missing: {why}", flush=True)
        found.append(row(f"missing: {name}", 1, "entrant"))
    return [*found, row("load average before the run", load, "")]


def _taken(name: str, python: Path, path: Path, rounds: int) -> dict[str, Any]:
    module = f"benchmarks.monitoring.{ENTRANTS[name].module}"
    env = os.environ | {"PYTHONPATH": str(_ROOT), "WHYLOGS_NO_ANALYTICS": "1", "DO_NOT_TRACK": "1"}
    env["NML_DISABLE_USAGE_LOGGING"] = "1"
    command = [str(python), "-m", module, str(path), str(rounds)]
    done = subprocess.run(command, cwd=_ROOT, env=env, capture_output=True, text=True, check=False)
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        said = done.stderr.strip().rpartition("\n")[2]
        raise EntrantFailed(f"ended with {done.returncode}: {said[:300]}") from None
    return told


def _rows(case: str, taken: dict[str, dict[str, Any]]) -> list[Row]:
    if OURS not in taken:
        return []
    seconds = {name: statistics.median(each["seconds"]) for name, each in taken.items()}
    memory = {name: each["memory"] for name, each in taken.items()}
    found = [row(f"{case}: memory", memory[OURS], "MB")]
    for name in seconds:
        if name == OURS:
            continue
        target = _TARGET if name == EVIDENTLY else None
        told = {"peer": name, "peer_value": seconds[name], "target": target}
        found.append(row(f"{case}: verdict", seconds[OURS], "s", **told))
        found.append(row(f"{case}: {name} takes", seconds[name], "s"))
        found.append(row(f"{case}: memory of {name}", memory[name], "MB"))
    return found


def _agreement(path: Path, columns: int, taken: dict[str, dict[str, Any]]) -> list[Row]:
    true, found = exact.distances(path, columns), []
    for name, each in taken.items():
        if "columns" not in each["found"]:
            continue
        for measure, off in exact.farthest(each["found"]["columns"], true).items():
            case = f"{path.stem.replace('-', ' rows x ')} columns: {measure} of {name} off scipy's"
            found.append(row(case, off, "%", target=_AGREES if name == OURS else None))
    return found
