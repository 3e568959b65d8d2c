"""Policies as wholes: what one says of the champions, and putting it in force."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli import exits
from perennial.cli.command import Session, command
from perennial.cli.decisions import draw_flips, read_policy
from perennial.cli.grouped import Grouped
from perennial.cli.runs import Key, Reason

if TYPE_CHECKING:
    from rich.console import Console

    from perennial.documents import PolicyChecked

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A folder of policies.")]


def register(app: typer.Typer) -> None:
    """Add the group of this module."""
    group = typer.Typer(
        help="Policies: what one says of the champions, and putting it in force.",
        cls=Grouped,
        rich_markup_mode=None,
        no_args_is_help=True,
    )
    command(group, "check")(check)
    command(group, "apply")(apply)
    app.add_typer(group, name="policies", rich_help_panel="Records")


def check(session: Session, folder: Folder) -> int:
    """Say which champions a policy would not have promoted. Nothing changes.

    Each champion's promotion is asked again with what was known then.
    Ends with code 10 when there are any.
    """
    found = session.client.check_policy(read_policy(folder))
    session.show(found, lambda out: _draw(out, found))
    return exits.DIFFERS if found["flipped"] else exits.OK


def apply(session: Session, folder: Folder, reason: Reason = "", key: Key = None) -> None:
    """Put a policy in force at once, and say which champions it would not have promoted.

    They stay champions; it decides on what is asked from now on.
    """
    applied = session.client.apply_policy(read_policy(folder), reason=reason, key=key)

    def draw(out: Console) -> None:
        digest, before = applied["policy_digest"][:12], applied["replaced"][:12]
        same = " again" if digest == before else f", in place of {before}"
        out.print(f"[green]✓[/] policy {digest} is in force{same}")
        _draw(out, applied)
        for model, what in sorted(applied["wished"].items()):
            out.print(f"{model} is wished to be trained again: {what}", soft_wrap=True)

    session.show(applied, draw)


def _draw(out: Console, found: PolicyChecked) -> None:
    flipped = found["flipped"]
    unasked = f"; {found['unasked']} came there without a policy" if found["unasked"] else ""
    out.print(
        f"{len(flipped)} of {found['asked']} champions would not have been promoted{unasked}",
        soft_wrap=True,
    )
    draw_flips(out, flipped)
