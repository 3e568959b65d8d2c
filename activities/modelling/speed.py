"""How quick an ONNX file is on this machine, as it is served: one thread, without HTTP."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from activities.modelling.graphs import THREADS, Graph
from perennial.contracts.training import Latency, Speed

if TYPE_CHECKING:
    import pandas as pd

_BATCHES = (1, 64)
_WARM_UP = 5
_CALLS = 300
_SECONDS = 0.4
"""At most, for each batch: a slow file is measured by fewer calls."""


def measure(graph: Graph, rows: pd.DataFrame) -> Speed:
    """The median and the slowest hundredth of calls with 1 and with 64 raw rows.

    Args:
        graph: the file.
        rows: some that it reads; repeated where they are fewer.
    """
    latencies = []
    for batch in _BATCHES:
        inputs = graph.inputs(rows.iloc[np.arange(batch) % len(rows)])
        for _ in range(_WARM_UP):
            graph.run(inputs)
        took: list[float] = []
        end = time.perf_counter() + _SECONDS
        while len(took) < _CALLS and (began := time.perf_counter()) < end:
            graph.run(inputs)
            took.append(1000 * (time.perf_counter() - began))
        median, slow = np.percentile(took, [50, 99]) if took else (np.nan, np.nan)
        latencies.append(Latency(batch=batch, calls=len(took), p50=float(median), p99=float(slow)))
    last = latencies[-1]
    return Speed(
        threads=THREADS, latencies=tuple(latencies), rows_per_second=1000 * last.batch / last.p50
    )
