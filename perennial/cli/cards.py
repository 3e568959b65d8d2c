"""Model cards: what a version is, for people who are no engineers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from perennial.cli import exits
from perennial.cli.command import Session, command
from perennial.cli.models import PANEL, Model
from perennial.cli.problems import Stop


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(app, "card", panel=PANEL)(card)


def card(
    session: Session,
    model: Model,
    version: Annotated[int, typer.Argument(help="Its number.")],
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write it there as a page with drawings."),
    ] = None,
) -> None:
    """Print a version's card as Markdown: what it is for, how good it is, who approved it."""
    about = {"model": model, "version": version}
    if html is None:
        text = session.client.card(model, version)
        session.show({**about, "markdown": text}, lambda _: typer.echo(text, nl=False))
        return
    page = session.client.card(model, version, as_="html")
    try:
        html.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Stop(
            f"{html} cannot be written: {error.strerror}",
            advice="--html names a file in a folder that is there",
            code=exits.USAGE,
        ) from None
    session.show({**about, "file": str(html)}, lambda out: out.print(str(html)))
