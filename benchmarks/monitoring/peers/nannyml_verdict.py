"""NannyML: univariate drift of one chunk, with the methods that it has for the same distances."""

from __future__ import annotations

from typing import Any

import nannyml

from benchmarks.monitoring import frames
from benchmarks.monitoring.stopwatch import measure, told


def main() -> None:
    """Measure."""
    path, rounds = told()
    reference, window = frames.read(path)
    count = len(reference.columns)
    names, numbers = list(reference.columns), frames.numbers(count)
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=names,
        treat_as_categorical=frames.texts(count),
        continuous_methods=["kolmogorov_smirnov", "jensen_shannon"],
        categorical_methods=["jensen_shannon"],
        chunk_number=1,
    ).fit(reference)

    def once() -> dict[str, Any]:
        found = calculator.calculate(window).filter(period="analysis").to_df()
        gaps = {
            name: [None, None, float(found[(name, "kolmogorov_smirnov", "value")].iloc[0])]
            for name in numbers
        }
        return {"columns": gaps}

    measure(once, rounds)


if __name__ == "__main__":
    main()
