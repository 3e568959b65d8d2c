"""Perennial: the window is profiled, compared with the reference's profile, and judged."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from activities.modelling.data.profiles import profile_and_read, profile_frame
from activities.modelling.data.sketches import read_sketches
from activities.modelling.monitoring.drift import compare
from benchmarks.monitoring import frames
from benchmarks.monitoring.stopwatch import measure, told
from perennial.analysis.judging import judge
from perennial.contracts.drift import DriftLimits

_NOW = datetime(2024, 5, 1, tzinfo=UTC)


def main() -> None:
    """Measure."""
    path, rounds = told()
    reference, window = frames.read(path)
    usual, names = profile_frame(reference, _NOW, "reference"), list(reference.columns)
    del reference  # a run has made its profile long ago

    def once() -> dict[str, Any]:
        _, now = profile_and_read(window, _NOW)
        drift = compare(read_sketches(usual), now, names)
        return {
            "verdict": judge(drift, DriftLimits()).verdict,
            "columns": {
                each.column: [each.psi, each.jensen_shannon, each.ks] for each in drift.columns
            },
        }

    measure(once, rounds)


if __name__ == "__main__":
    main()
