"""The ledger: read it, have it verified, take it away as a file and verify that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perennial.cli import exits
from perennial.cli.command import Session, command, with_session
from perennial.cli.grouped import Grouped
from perennial.cli.problems import Stop
from perennial.cli.runs import Limit

if TYPE_CHECKING:
    from rich.console import Console

    from perennial.documents import LedgerRow

After = Annotated[
    int, typer.Option("--after", min=0, metavar="ROW", help="Only rows behind this number.")
]


def register(app: typer.Typer) -> None:
    """Add the group of this module."""
    group = typer.Typer(
        help="The ledger of all that changed: list, verify, export.",
        cls=Grouped,
        rich_markup_mode=None,
    )
    group.callback(invoke_without_command=True)(with_session(rows))
    command(group, "list")(rows)
    command(group, "verify")(verify)
    command(group, "export")(export)
    app.add_typer(group, name="ledger", rich_help_panel="Records")


def rows(session: Session, after: After = 0, limit: Limit = 50) -> None:
    """List rows of the ledger, the oldest first."""
    found = list(session.client.ledger(after=after, limit=limit))
    session.show({"items": found}, lambda out: _draw(out, found))


def verify(
    session: Session,
    file: Annotated[
        Path | None, typer.Argument(help="An exported ledger, verified here, without the API.")
    ] = None,
) -> int:
    """Follow the chain of hashes, and name the first row that does not hold.

    Ends with code 10 when one does not.
    """
    verdict: Any = _verify_file(file) if file else session.client.verify_ledger()

    def draw(out: Console) -> None:
        if verdict["ok"]:
            out.print(f"[green]✓[/] {verdict['rows']} rows hold, head {verdict['head'][:16]}")
            return
        bad = verdict["first_bad"]
        out.print(f"[red]✗[/] row {bad['seq']} does not hold: {bad['problem']}")
        out.print(f"the {verdict['rows']} rows before it do")

    session.show(verdict, draw)
    return exits.OK if verdict["ok"] else exits.DIFFERS


def export(
    session: Session,
    file: Annotated[Path, typer.Argument(help="Where to write it: JSON lines, a row each.")],
) -> None:
    """Write the whole ledger to a file that `ledger verify FILE` and others can verify."""
    count, head = 0, ""
    try:
        with file.open("w") as out:
            for row in session.client.ledger():
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
                count, head = count + 1, row["hash"]
    except OSError as error:
        raise Stop(f"{file} cannot be written: {error.strerror}", code=exits.USAGE) from None
    written = {"file": str(file), "rows": count, "head": head}
    session.show(
        written,
        lambda out: out.print(f"{count} rows in {file}, head {head[:16]}", soft_wrap=True),
    )


def _verify_file(file: Path) -> dict[str, Any]:
    from perennial import ledger

    try:
        with file.open() as lines:
            return asdict(ledger.verify(_rows(lines, file)))
    except OSError as error:
        raise Stop(f"{file} cannot be read: {error.strerror}", code=exits.USAGE) from None


def _rows(lines: Iterator[str], file: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            row = None
        if not isinstance(row, dict):
            raise Stop(
                f"line {number} of {file} is not a row of a ledger",
                advice="`perennial ledger export FILE` writes one JSON object a line",
                code=exits.DIFFERS,
            )
        yield row


def _draw(out: Console, found: list[LedgerRow]) -> None:
    from perennial.cli.render import table, when

    out.print(
        table(
            ("row#", "at", "who", "what", "model", "subject"),
            (
                (
                    str(row["seq"]),
                    when(row["at"]),
                    row["actor"],
                    row["kind"],
                    row["model"],
                    row["subject"],
                )
                for row in found
            ),
        )
    )
