"""What readers without whylogs are told of a profile."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from activities.modelling.data.sketches import Sketch
from perennial.contracts.data import ColumnSummary, ProfileSummary

_STEPS = 200
_NAMED = 1000
_LARGEST = float(np.finfo(np.float64).max)


def summarize(sketches: Mapping[str, Sketch]) -> ProfileSummary:
    """The columns of a profile, in their order."""
    columns = tuple(_column(name, sketch) for name, sketch in sketches.items())
    return ProfileSummary(rows=max((each.rows for each in columns), default=0), columns=columns)


def _column(name: str, sketch: Sketch) -> ColumnSummary:
    often = sorted(sketch.counts.items(), key=lambda each: (-each[1], each[0]))[:_NAMED]
    quantiles: tuple[float, ...] = ()
    if sketch.kind == "number":
        numbers = sketch.numbers
        found = numbers.quantiles(np.linspace(0, 1, _STEPS + 1))
        quantiles = tuple(_finite(value) for value in (numbers.low, *found[1:-1], numbers.high))
    return ColumnSummary(
        column=name,
        kind=sketch.kind,
        rows=sketch.rows,
        missing=sketch.missing,
        quantiles=quantiles,
        counts=dict(often),
        whole=sketch.whole and len(sketch.counts) == len(often),
    )


def _finite(value: float) -> float:
    """JSON has no infinity."""
    return 0.0 if math.isnan(value) else float(min(max(value, -_LARGEST), _LARGEST))
