"""How answers look: tables that fit 80 columns, times as people read them, colours on a terminal.

rich decides about colour: none when the output is no terminal, or when NO_COLOR is set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

STYLES = {
    "promoted": "green",
    "reproduced": "green",
    "differs": "red",
    "passed": "green",
    "pass": "green",
    "inconclusive": "yellow",
    "fail": "red",
    "approved": "green",
    "allow": "green",
    "active": "green",
    "needs_approval": "yellow",
    "waiting": "yellow",
    "wait": "yellow",
    "ask": "yellow",
    "open": "yellow",
    "queued": "yellow",
    "paused": "yellow",
    "cancelled": "yellow",
    "superseded": "yellow",
    "denied": "red",
    "deny": "red",
    "rejected": "red",
    "expired": "red",
    "failed": "red",
    "error": "red",
    "retired": "dim",
    "running": "cyan",
    "ignore": "green",
    "alert": "yellow",
    "retrain": "yellow",
    "roll_back": "red",
    "stop_serving": "red",
}


@cache
def console(*, stderr: bool = False) -> Console:
    """The console of this process: stdout, or stderr for what is not the answer."""
    return Console(stderr=stderr, highlight=False, soft_wrap=False)


def word(text: str | None) -> Text:
    """A status or outcome in its colour; a dash for none."""
    return Text(text or "-", style=STYLES.get(text or "", ""))


def plain(value: Any) -> Text:
    """Text that came from elsewhere, with no markup in it."""
    return Text("-" if value is None or value == "" else str(value))


def quoted(value: Any) -> str:
    """Text that came from elsewhere, for use inside markup."""
    return escape(str(value))


def table(columns: Sequence[str], rows: Iterable[Sequence[Text | str]]) -> Table:
    """A table without lines: ids, numbers and times stay whole, the last column is folded.

    A column name that ends in `#` is aligned to the right, one that ends in `~` is folded too;
    both lose that sign.
    """
    made = Table(
        box=None, pad_edge=False, show_edge=False, header_style="bold", padding=(0, 2, 0, 0)
    )
    for index, name in enumerate(columns):
        folded = name.endswith("~") or index == len(columns) - 1
        made.add_column(
            name.rstrip("#~"),
            justify="right" if name.endswith("#") else "left",
            no_wrap=not folded,
            overflow="fold",
        )
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else plain(cell) for cell in row))
    return made


def facts(pairs: Iterable[tuple[str, Text | str | None]]) -> Table:
    """Names and values under each other; a value that is None is left out."""
    made = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None:
            made.add_row(name, value if isinstance(value, Text) else plain(value))
    return made


def parse(at: str) -> datetime:
    """An instant of the interface (RFC 3339)."""
    return datetime.fromisoformat(at.replace("Z", "+00:00"))


def when(at: str | None, now: datetime | None = None) -> str:
    """An instant in local time: the clock alone for today, else the day too."""
    if not at:
        return "-"
    local = parse(at).astimezone()
    today = (now or datetime.now(UTC)).astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def took(seconds: float) -> str:
    """A length of time, as short as it is exact enough."""
    seconds = max(0.0, seconds)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def between(start: str | None, end: str | None, now: datetime | None = None) -> float | None:
    """Seconds from one instant to another, or to now while there is no end."""
    if not start:
        return None
    until = parse(end) if end else (now or datetime.now(UTC))
    return (until - parse(start)).total_seconds()


def number(value: Any) -> str:
    """A metric: four digits behind the point, as much as people compare."""
    return f"{value:.4f}" if isinstance(value, float) else str(value)
