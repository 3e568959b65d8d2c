"""The table of results: a row a stage, a column a process, and what is wrong below it."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from infra.drill.plan import PROCESSES, STAGES
from infra.drill.results import Result


def table(results: Sequence[Result]) -> RenderableType:
    """Seconds from the kill to the end, green where all came to the same end."""
    by_cell = {(result.cell.stage, result.cell.process): result for result in results}
    processes = [name for name in PROCESSES if any(name == key[1] for key in by_cell)]
    grid = Table(
        title="seconds from the kill to the end of the run, or of the stage that follows one",
        title_justify="left",
    )
    grid.add_column("killed in")
    for process in processes:
        grid.add_column(process, justify="right")
    for stage in STAGES:
        if any(stage == key[0] for key in by_cell):
            grid.add_row(stage, *(_shown(by_cell.get((stage, name))) for name in processes))
    return Group(grid, *(line(result) for result in results if not result.green))


def line(result: Result) -> str:
    """One result in words."""
    if result.green:
        return f"[green]✓[/] {result.cell}: the same end {result.seconds:.1f} s after the kill"
    why = "; ".join(result.differences)
    return f"[red]✗[/] {result.cell}: {escape(why)}"


def _shown(result: Result | None) -> str:
    if result is None:
        return ""
    return f"[green]{result.seconds:.1f}[/]" if result.green else "[bold red]✗[/]"
