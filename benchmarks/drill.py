"""The drill, a row a cell: does a life come to the same end, and how soon?"""

from __future__ import annotations

from rich.console import Console

from benchmarks.results import Row
from infra.drill.__main__ import drill
from infra.drill.plan import cells
from infra.drill.results import Result


def run() -> list[Row]:
    """Every process, in the middle of every stage."""
    return [as_row(result) for result in drill(cells(), Console(highlight=False))]


def as_row(result: Result) -> Row:
    """Seconds from the kill to the end; met where nothing differs from a life undisturbed."""
    case = "; ".join([str(result.cell), *result.differences]).replace("|", "/")
    return Row(case, round(result.seconds, 1), "s", met=result.green)
