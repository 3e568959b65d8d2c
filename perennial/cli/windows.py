"""Windows: how a model's champions do, window by window, as a table or as a page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.command import Session, command
from perennial.cli.models import Model
from perennial.cli.rollouts import Environment
from perennial.cli.runs import Limit

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

    from perennial.documents import Window

PANEL = "Monitoring"
_SAID = 3


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "windows", panel=PANEL)(windows)
    command(app, "report", panel=PANEL)(report)


def windows(
    session: Session, model: Model, environment: Environment = "production", limit: Limit = 20
) -> None:
    """Show what each window of a champion's requests has shown, and what was done about it."""
    client = session.client
    found = client.windows(model, environment=environment, limit=limit)
    if session.json or not found:
        session.show(
            {"items": found},
            lambda out: out.print(
                f"no window of {model} in {environment} was judged yet: its spec needs "
                f"`monitoring`, and a window has to be over"
            ),
        )
        return
    primary = client.spec(model)["spec"]["metrics"]["primary"]
    session.out.print(_table(found, primary))


def report(
    session: Session,
    model: Model,
    environment: Environment = "production",
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help="Where to; MODEL.html unless named."),
    ] = None,
    limit: Annotated[
        int, typer.Option("--windows", min=1, metavar="N", help="The newest ones, this many.")
    ] = 60,
) -> None:
    """Draw a model's windows as a page of HTML: drift, quality, decisions, champions, and why."""
    from perennial.cli.report import write_report

    file = out or Path(f"{model}.html")
    write_report(session.client, model, environment, file, limit)
    session.show({"model": model, "file": str(file)}, lambda out: out.print(str(file)))


def _table(found: list[Window], primary: str) -> Table:
    from perennial.cli.render import table, when, word

    whole = all(each["start"].endswith("T00:00:00Z") for each in found)
    return table(
        ("window", "v#", "rows#", "drift", f"{primary}#", "promised#", "labels#", "action"),
        (
            (
                each["start"][:10] if whole else when(each["start"]),
                str(each["version"]),
                f"{each['rows']:,}",
                word(each["verdict"]),
                _measured(each, primary),
                _figure(each["promised"].get(primary)),
                "-" if each["coverage"] is None else f"{each['coverage']:.0%}",
                _action(each),
            )
            for each in found
        ),
    )


def _measured(window: Window, primary: str) -> Text:
    """The metric in the colour of its verdict, or the verdict where nothing was measured."""
    from perennial.cli.render import STYLES, word

    value, verdict = window["metrics"].get(primary), window["quality_verdict"]
    if value is None:
        return word(verdict)
    measured = word(_figure(value))
    measured.stylize(STYLES.get(verdict or "", ""))
    return measured


def _moved(window: Window) -> str:
    """Of a window that fails, the columns by their part in the change of its answers."""
    moved = (window["answers"] or {}).get("columns", ())[:_SAID]
    told = ", ".join(f"{each['column']} {each['share']:.0%}" for each in moved)
    return f"\nanswers moved by {told}" if told else ""


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _action(window: Window) -> str:
    action = window["action"] or "-"
    said = action if action in ("-", "ignore") else f"{action}: {window['followed']}"
    return said + _moved(window)
