"""Evidently: its preset for data drift, as its guide has it."""

from __future__ import annotations

from typing import Any

from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset

from benchmarks.monitoring import frames
from benchmarks.monitoring.stopwatch import measure, told


def main() -> None:
    """Measure."""
    path, rounds = told()
    reference, window = frames.read(path)
    count = len(reference.columns)
    kinds = DataDefinition(
        numerical_columns=frames.numbers(count), categorical_columns=frames.texts(count)
    )
    usual = Dataset.from_pandas(reference, data_definition=kinds)

    def once() -> dict[str, Any]:
        now = Dataset.from_pandas(window, data_definition=kinds)
        said = Report([DataDriftPreset()]).run(now, usual).dict()
        return {"verdict": str(said["metrics"][0]["value"])}

    measure(once, rounds)


if __name__ == "__main__":
    main()
