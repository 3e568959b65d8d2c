"""How fast an exported file answers here: one row at a time, and 64. One thread, without HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from activities.modelling.export.graphs import THREADS, Graph
from perennial.contracts.examined import Speed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CALLS = 200
_LEAST = 20
_SECONDS = 0.1


def measure_speed(graph: Graph, held_out: pd.DataFrame) -> Speed:
    """Ask the file alone, its inputs made beforehand, for a tenth of a second each."""
    one, many = _seconds(graph, held_out, 1), _seconds(graph, held_out, 64)
    (p50_one, p99_one), (p50_many, p99_many) = (
        (float(q) for q in np.quantile(each, (0.5, 0.99)) * 1000) for each in (one, many)
    )
    return Speed(
        p50_ms_1=p50_one,
        p99_ms_1=p99_one,
        p50_ms_64=p50_many,
        p99_ms_64=p99_many,
        rows_per_second=64 * len(many) / float(many.sum()),
        threads=THREADS,
    )


def _seconds(graph: Graph, held_out: pd.DataFrame, size: int) -> NDArray[np.float64]:
    inputs = graph.inputs(held_out.iloc[np.arange(size) % len(held_out)])
    graph.run(inputs)  # the first one of a size is slower
    taken: list[float] = []
    until = time.perf_counter() + _SECONDS
    while len(taken) < _LEAST or (len(taken) < _CALLS and time.perf_counter() < until):
        began = time.perf_counter()
        graph.run(inputs)
        taken.append(time.perf_counter() - began)
    return np.array(taken)
