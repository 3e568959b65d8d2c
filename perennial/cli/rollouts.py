"""Rollouts: what a model's requests are answered by, live, and people's word on it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.approvals import Comment, Yes
from perennial.cli.command import Session, command
from perennial.cli.grouped import Grouped
from perennial.cli.models import Model
from perennial.cli.problems import Stop
from perennial.cli.runs import Key, Reason

if TYPE_CHECKING:
    from rich.console import Console

    from perennial.documents import Rollout

Environment = Annotated[
    str,
    typer.Option(
        "--environment", "-e", metavar="ENV", help="Where; production unless another is named."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group of this module."""
    group = typer.Typer(
        help="How a version earns its traffic: plan, show, watch, go-on, call-off, picture.",
        cls=Grouped,
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(group, "plan")(plan)
    command(group, "show")(show)
    command(group, "watch")(watch)
    command(group, "go-on")(go_on)
    command(group, "call-off")(call_off)
    command(group, "picture")(picture)
    app.add_typer(group, name="rollout", rich_help_panel="Champions")


def plan(session: Session, model: Model, environment: Environment = "production") -> None:
    """Say what the spec's rollout will do, and how long it takes, before anything starts."""
    found = session.client.rollout_plan(model, environment)
    session.show(
        found,
        lambda out: out.print(
            f"{found['strategy']} in {environment}: {found['steps']}\n"
            f"{_lasts(found['expected_seconds'])} if all goes well; "
            f"{_lasts(found['worst_seconds'])} at worst, before people are asked\n"
            f"watched for {found['guard']} after that, and rolled back by itself"
        ),
    )


def show(session: Session, model: Model, environment: Environment = "production") -> None:
    """Show which version answers which part of the requests, and how it does."""
    found = session.client.rollout(model, environment)
    session.show(found, lambda out: _draw(session, out, found))


def watch(session: Session, model: Model, environment: Environment = "production") -> int:
    """Show it live, until its run has ended or waits for an approval.

    The exit code is the one that `perennial run` would have had. Where no run is under way it
    tells how the last one ended.
    """
    from perennial.cli.rollout_watch import watch_rollout

    return watch_rollout(session, model, environment)


def picture(
    session: Session,
    run: Annotated[str, typer.Argument(metavar="RUN", help="The run that rolled it out.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Where to; RUN.html unless it is named."),
    ] = None,
) -> None:
    """Draw a rollout over time as a page of HTML: weights, verdicts, decisions and rulings."""
    from perennial.cli.rollout_picture import write_picture

    file = out or Path(f"{run}.html")
    write_picture(session.client, run, file)
    session.show({"run_id": run, "file": str(file)}, lambda out: out.print(str(file)))


def go_on(
    session: Session,
    model: Model,
    environment: Environment = "production",
    comment: Comment = "",
    yes: Yes = False,
    key: Key = None,
) -> None:
    """Let a rollout go on whose figures decide nothing, after a look at them."""
    found = session.client.rollout(model, environment)
    under_way = found["under_way"]
    if under_way is None or not under_way["waiting"]:
        now = "none is under way" if under_way is None else f"it goes on: {under_way['reason']}"
        raise Stop(
            f"the rollout of {model} in {environment} waits for no ruling",
            advice=now,
        )
    if not session.json:
        _draw(session, session.out, found)
    if not yes and not session.json and session.out.is_terminal:
        typer.confirm(f"Let it go on as {session.client.whoami()['name']}?", abort=True)
    taken = session.client.rule(
        model, environment, under_way["evidence_digest"], go_on=True, comment=comment, key=key
    )
    again = f"[bold]perennial rollout watch {model}[/]"
    session.show(taken, lambda out: out.print(f"[green]✓[/] it goes on: {again}"))


def call_off(
    session: Session,
    model: Model,
    environment: Environment = "production",
    reason: Reason = "",
    key: Key = None,
) -> None:
    """Give the champion all requests again, at once."""
    taken = session.client.call_off(model, environment, reason=reason, key=key)
    session.show(
        taken, lambda out: out.print(f"[green]✓[/] the champion of {model} has all requests again")
    )


def _lasts(seconds: float) -> str:
    return str(timedelta(seconds=seconds))


def _draw(session: Session, out: Console, found: Rollout) -> None:
    """The board, with the verdicts of now where a rollout is under way."""
    from perennial.cli.rollout_board import board

    now = found["under_way"]
    out.print(board(found, None if now is None else session.client.run(now["run_id"])))
