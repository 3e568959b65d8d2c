"""Groups: versions of several models that become champions together, or none of them does."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial.cli.command import Session, command
from perennial.cli.grouped import Grouped
from perennial.cli.rollouts import Environment
from perennial.cli.runs import Key, Reason

Id = Annotated[str, typer.Argument(metavar="GROUP", help="The group's id.")]


def register(app: typer.Typer) -> None:
    """Add the group of this module."""
    group = typer.Typer(
        help="Versions of several models that move together: promote, show, rollback.",
        cls=Grouped,
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(group, "promote")(promote)
    command(group, "show")(show)
    command(group, "rollback")(rollback)
    app.add_typer(group, name="group", rich_help_panel="Champions")


def promote(
    session: Session,
    members: Annotated[list[str], typer.Argument(metavar="MODEL=VERSION...", help="Two at least.")],
    environment: Environment = "production",
    reason: Reason = "",
    key: Key = None,
) -> None:
    """Make versions of several models champions: all at one moment, or none of them."""
    versions = dict(_member(text) for text in members)
    if len(versions) < max(2, len(members)):
        raise typer.BadParameter("a group has two models at least, each of them once")
    accepted = session.client.promote_together(environment, versions, reason=reason, key=key)
    id_ = accepted["group_id"]
    session.show(
        accepted, lambda out: out.print(f"{id_}\n[dim]perennial group show {id_}[/]  shows it")
    )


def show(session: Session, group: Id) -> None:
    """Show a group: each of its models is judged by a run of its own."""
    from perennial.cli.lists import runs_table
    from perennial.cli.render import word

    found = session.client.group(group)
    session.show(
        found, lambda out: out.print(group, word(found["status"]), runs_table(found["runs"]))
    )


def rollback(session: Session, group: Id, reason: Reason = "", key: Key = None) -> None:
    """Put back what was champion before the group moved: of all its models, or of none."""
    answer = session.client.roll_back_together(group, reason=reason, key=key)
    back = ", ".join(
        f"{champion['model']} {champion['version'] or 'none'}" for champion in answer["champions"]
    )
    session.show(answer, lambda out: out.print(f"[green]✓[/] champions again: {back}"))


def _member(text: str) -> tuple[str, int]:
    model, sign, version = text.partition("=")
    if not sign or not model or not version.isdecimal():
        raise typer.BadParameter(f"a member is MODEL=VERSION, such as flights=3; this is {text!r}")
    return model, int(version)
