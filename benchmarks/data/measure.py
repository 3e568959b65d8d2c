"""Snapshots, validation and profiles: seconds beside pyarrow and whylogs alone, and memory."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.data import table
from benchmarks.results import Row, row

ROUNDS, ROWS = "PERENNIAL_BENCH_ROUNDS", "PERENNIAL_BENCH_ROWS"
_ROUNDS, _MILLION = 3, 1_000_000
_STREAMED, _SNAPSHOT, _PROFILED = 20 * _MILLION, 10 * _MILLION, 200_000
_ROOT = Path(__file__).parents[2]
_MOST_MB, _LEAST_SPEED, _LEAST_RATE, _TIMES = 2048.0, 0.7, 400_000.0, 10.0


def run() -> list[Row]:
    """Everything; `PERENNIAL_BENCH_ROWS` is the number of streamed rows, the others follow."""
    load, rounds = os.getloadavg()[0], int(os.environ.get(ROUNDS, _ROUNDS))
    streamed = int(os.environ.get(ROWS, _STREAMED))
    rows = [row("load average before", load, "")]
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        path = Path(folder) / "rows.parquet"
        table.write(path, min(_PROFILED, streamed))
        rows += _profiling(path, rounds)
        half = streamed * _SNAPSHOT // _STREAMED
        table.write(path, half)
        rows += _beside(path, f"snapshot of {half:,} rows", "snapshot", "pyarrow", rounds)
        table.write(path, half, shuffled=True)
        case = f"snapshot of {half:,} rows in no order, by key"
        rows += _beside(path, case, "snapshot-by-key", "pyarrow-by-key", rounds)
        table.write(path, streamed, shuffled=True)
        told = _told("stream", path, 1)
        case = f"snapshot, validation and profile of {streamed:,} rows x 20 columns"
        rows.append(row(f"{case}: memory", told["memory"], "MB", target=_MOST_MB))
        rows.append(row(f"{case}: takes", told["seconds"][0], "s"))
        rows.append(row(f"{case}: of it validation", told["found"]["validated"], "s"))
    return rows


def _profiling(path: Path, rounds: int) -> list[Row]:
    told = {name: _told(name, path, rounds) for name in ("profile", "whylogs")}
    rates = {
        name: each["found"]["rows"] / statistics.median(each["seconds"])
        for name, each in told.items()
    }
    case = "profile of 20 columns of fractions"
    return [
        row(case, rates["profile"], "rows/s", target=_LEAST_RATE, at_least=True),
        row(
            f"{case}, beside",
            rates["profile"],
            "rows/s",
            peer="whylogs on pandas",
            peer_value=rates["whylogs"],
            target=_TIMES,
            at_least=True,
        ),
    ]


def _beside(path: Path, case: str, ours: str, theirs: str, rounds: int) -> list[Row]:
    told = {name: _told(name, path, rounds) for name in (ours, theirs)}
    speed = {
        name: each["found"]["rows"] / statistics.median(each["seconds"])
        for name, each in told.items()
    }
    return [
        row(
            case,
            speed[ours],
            "rows/s",
            peer="pyarrow alone",
            peer_value=speed[theirs],
            target=_LEAST_SPEED,
            at_least=True,
        ),
        row(f"{case}: memory", told[ours]["memory"], "MB"),
        row(f"{case}: memory of pyarrow alone", told[theirs]["memory"], "MB"),
    ]


def _told(name: str, path: Path, rounds: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.data.entrants", name, str(path), str(rounds)]
    env = {**os.environ, "WHYLOGS_NO_ANALYTICS": "1"}
    done = subprocess.run(command, cwd=_ROOT, env=env, capture_output=True, text=True, check=False)
    try:
        told: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise RuntimeError(f"{name} ended with {done.returncode}:\n{done.stderr}") from None
    return told
