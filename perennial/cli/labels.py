"""Labels: what became of the rows that a model was asked about."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from perennial.cli.command import Session, command
from perennial.cli.grouped import Grouped
from perennial.cli.models import Model
from perennial.cli.problems import Stop

if TYPE_CHECKING:
    from rich.console import Console

    from perennial.cli.label_files import Line
    from perennial.connection import ApiError
    from perennial.label_documents import Labels

PANEL = "Models"
File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="CSV or JSON lines: request_id (or entity), row, value, at, asked_at.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group of this module."""
    group = typer.Typer(
        help="What became of the rows that a model was asked about: send, show.",
        cls=Grouped,
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(group, "send")(send)
    command(group, "show")(show)
    app.add_typer(group, name="labels", rich_help_panel=PANEL)


def send(session: Session, model: Model, file: File) -> None:
    """Send the labels of a file; whatever was sent before is only counted."""
    from perennial.cli.label_files import batches, read
    from perennial.client import ApiError

    total = {"new": 0, "repeated": 0, "changed": 0}
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    for batch in batches(read(file, now)):
        try:
            kept = session.client.send_labels(model, [line.label for line in batch])
        except ApiError as error:
            if error.status != 422 or session.json:
                raise
            _stop(file, batch, error, sum(total.values()))
        total = {
            "new": total["new"] + kept["new"],
            "repeated": total["repeated"] + kept["repeated"],
            "changed": total["changed"] + kept["changed"],
        }
    session.show(
        total,
        lambda out: out.print(
            f"{total['new']:,} new, {total['repeated']:,} repeated, {total['changed']:,} changed"
        ),
    )


def show(session: Session, model: Model) -> None:
    """Show how many labels there are, and how many found the request that they are of."""
    found = session.client.labels(model)
    session.show(found, lambda out: _draw(out, found))


def _draw(out: Console, found: Labels) -> None:
    newest = found["newest"] or "none came yet"
    out.print(
        f"{found['joined']:,} joined, {found['waiting']:,} waiting for their request, "
        f"{found['given_up']:,} given up, {found['changed']:,} changed; newest: {newest}",
        soft_wrap=True,
    )
    if (read := found["table"]) is None:
        return
    until = read["watermark"] or "its beginning"
    out.print(
        f"table: {read['rows']:,} rows read until {until}, {read['refused']:,} refused",
        soft_wrap=True,
    )
    if read["error"]:
        out.print(
            f"table: away since {read['away_since']}, tried again in each round: {read['error']}",
            soft_wrap=True,
            markup=False,
        )
    for problem in read["problems"]:
        out.print(f"  {problem}", soft_wrap=True, markup=False, highlight=False)


def _stop(file: Path, batch: list[Line], error: ApiError, kept: int) -> NoReturn:
    """Say which lines are wrong: the API numbers the labels of a batch."""
    told = []
    for problem in error.problem.get("problems", []):
        place = re.match(r"body\.labels\[(\d+)\]\.?(.*)", problem.get("field", ""))
        if place is None:
            raise error
        what = f"{place[2]}: " if place[2] else ""
        line = f"{file} line {batch[int(place[1])].number}: {what}{problem.get('expected', '')}"
        if line not in told:
            told.append(line)
    if not told:
        raise error
    raise Stop(
        "\n".join(told),
        advice=f"{kept:,} labels before were kept, and none of this batch of {len(batch):,}; "
        f"correct the file and send it again",
    )
