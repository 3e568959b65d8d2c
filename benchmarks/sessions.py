"""Why sessions are as they are: what ONNX Runtime's arena, its threads and micro-batches would do.

Each way of making a session has a process of its own. `python -m benchmarks.sessions` measures one.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.results import Row, row
from benchmarks.serving.model import INPUT, LARGE, SMALL, rows, write

_OURS = "one thread, arena"
_WAYS: dict[str, dict[str, Any]] = {
    _OURS: {},
    "one thread, no arena": {"arena": False},
    "two threads that spin, arena": {"threads": 2, "spin": "1"},
    "two threads that do not spin, arena": {"threads": 2},
}
_ROWS = (1, 64)
_TOGETHER = 16
_SECONDS, _ROUNDS = 0.2, 3


def run() -> list[Row]:
    """Microseconds of a call, memory, and what a batch of several callers' rows would save."""
    found: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="perennial-bench-") as folder:
        for model in (SMALL, LARGE):
            path = Path(folder) / f"{model.name}.onnx"
            write(model, path)
            told = {way: _asked(path, model.columns, way) for way in _WAYS}
            for case in told[_OURS]:
                ours = told[_OURS][case]
                unit = "MB" if case == "memory" else "us"
                found.append(row(f"{model.name}, {_OURS}: {case}", ours, unit))
                found += [
                    row(
                        f"{model.name}, {way}: {case}",
                        said[case],
                        unit,
                        peer=_OURS,
                        peer_value=ours,
                    )
                    for way, said in told.items()
                    if way != _OURS
                ]
    found.append(row("a future that the loop resolves", _future(), "us"))
    return found


def _asked(path: Path, columns: int, way: str) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.sessions", str(path), str(columns), way],
        capture_output=True,
        text=True,
        check=True,
    )
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def _measured(path: str, columns: int, way: dict[str, Any]) -> dict[str, float]:
    import onnxruntime as ort
    import psutil

    options = ort.SessionOptions()
    options.intra_op_num_threads = way.get("threads", 1)
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = way.get("arena", True)
    options.add_session_config_entry("session.intra_op.allow_spinning", way.get("spin", "0"))
    before = psutil.Process().memory_info().rss
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    values = rows(SMALL if columns == SMALL.columns else LARGE, max(_ROWS))
    found = {}
    for number in _ROWS:
        answer = partial(session.run, None, {INPUT: values[:number]})
        found[f"a call with {number} rows"] = _micros(answer)
    alone = [{INPUT: values[place : place + 1]} for place in range(_TOGETHER)]

    def together() -> list[np.ndarray]:
        batch = np.concatenate([each[INPUT] for each in alone])
        answer = session.run(None, {INPUT: batch})[0]
        return [answer[place : place + 1] for place in range(_TOGETHER)]

    each = _micros(lambda: [session.run(None, one) for one in alone]) / _TOGETHER
    found["a caller's row, computed alone"] = each
    found[f"a caller's row, {_TOGETHER} together"] = _micros(together) / _TOGETHER
    found["memory"] = (psutil.Process().memory_info().rss - before) / 2**20
    return found


def _micros(call: Callable[[], object]) -> float:
    """Of a call: the median of rounds."""
    taken = []
    for _ in range(_ROUNDS):
        count, began = 0, time.perf_counter()
        while (now := time.perf_counter()) - began < _SECONDS:
            call()
            count += 1
        taken.append(1e6 * (now - began) / count)
    return statistics.median(taken)


def _future() -> float:
    """Which a caller would have to wait for whose row is computed with others'."""
    count = 20_000

    async def wait() -> float:
        loop = asyncio.get_running_loop()

        async def one() -> None:
            future = loop.create_future()
            loop.call_soon(future.set_result, None)
            await future

        began = time.perf_counter()
        for _ in range(count):
            await loop.create_task(one())
        return 1e6 * (time.perf_counter() - began) / count

    return asyncio.run(wait())


if __name__ == "__main__":
    _, file, width, name = sys.argv
    print(json.dumps(_measured(file, int(width), _WAYS[name])))
