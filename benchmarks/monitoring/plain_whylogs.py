"""whylogs on pandas as it comes, for the profile alone; it has no verdict that is worth one."""

from __future__ import annotations

from typing import Any

import whylogs
from whylogs.core.schema import DatasetSchema

from activities.modelling.data.profiles import _Types
from benchmarks.monitoring import frames
from benchmarks.monitoring.stopwatch import measure, told


def main() -> None:
    """Measure."""
    path, rounds = told()
    _, window = frames.read(path)

    def once() -> dict[str, Any]:
        # as it comes it fails on text under NumPy 2, so it is given our types
        view = whylogs.log(window, schema=DatasetSchema(type_mapper=_Types())).view()
        return {"bytes": len(view.serialize())}

    measure(once, rounds)


if __name__ == "__main__":
    main()
