"""Weights of 8 bits, where the spec asks for them: kept only if that is faster here, and close."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import onnx

from activities.modelling.export.graphs import Graph
from activities.modelling.export.speed import measure_speed
from perennial.contracts.examined import Speed
from perennial.contracts.training import Parity, Quantised

if TYPE_CHECKING:
    import pandas as pd

_OPERATORS = ("MatMul", "Gemm")
_FASTER = 0.95
"""Of the time that it took: less is noise."""


class Attempt(NamedTuple):
    """What became of it; a parity and a speed where the smaller file is kept."""

    path: Path
    said: Quantised
    parity: Parity | None = None
    speed: Speed | None = None


def attempt(
    path: Path, before: Speed, rows: pd.DataFrame, judged: Callable[[Graph], Parity]
) -> Attempt:
    """Write the file again with weights of 8 bits, and compare the two.

    Args:
        path: the file as it is.
        before: how quick that is.
        rows: to measure with.
        judged: compares a file with the trained model.
    """
    # loaded where it is asked for: it takes half a second
    from onnxruntime.quantization import QuantType, quantize_dynamic

    made = onnx.load(path, load_external_data=False)
    if not any(node.op_type in _OPERATORS for node in made.graph.node):
        return Attempt(path, Quantised(kept=False, reason="it has no matrices to make smaller"))
    del made.graph.value_info[:]  # shapes of the exporter, which the quantiser contradicts
    small = path.with_name("int8.onnx")
    logging.getLogger().disabled, was = True, logging.getLogger().disabled
    try:
        # unsigned: signed weights saturate on CPUs without VNNI, and are off by a quarter
        quantize_dynamic(made, small, weight_type=QuantType.QUInt8, op_types_to_quantize=_OPERATORS)
    finally:
        logging.getLogger().disabled = was
    graph = Graph(small)
    parity, speed, size = judged(graph), measure_speed(graph, rows), small.stat().st_size
    if not parity.passed:
        reason = f"off by {parity.max_abs_diff:.2g}, and {parity.tolerance:g} is tolerated"
        return Attempt(path, Quantised(kept=False, reason=reason, size=size))
    slower = [
        f"batch {batch}: {now:.3f} ms against {then:.3f}"
        for batch, now, then in (
            (1, speed.p50_ms_1, before.p50_ms_1),
            (64, speed.p50_ms_64, before.p50_ms_64),
        )
        if now > _FASTER * then
    ]
    if slower:
        reason = f"not faster here ({', '.join(slower)})"
        return Attempt(path, Quantised(kept=False, reason=reason, size=size))
    kept = Quantised(kept=True, reason="faster and close enough", size=size)
    return Attempt(small, kept, parity, speed)
