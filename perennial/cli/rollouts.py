"""Rollouts: what a model's requests are answered by, live, and people's word on it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.approvals import Comment, Yes
from perennial.cli.command import Session, command
from perennial.cli.grouped import Grouped
from perennial.cli.models import Model
from perennial.cli.problems import Stop
from perennial.cli.runs import Key, Reason

if TYPE_CHECKING:
    from rich.console import RenderableType

    from perennial.documents import Rollout, VariantShare

Environment = Annotated[
    str,
    typer.Option(
        "--environment", "-e", metavar="ENV", help="Where; production unless another is named."
    ),
]
_LOOK_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add the group of this module."""
    group = typer.Typer(
        help="How a version earns its traffic: plan, show, watch, go-on, call-off.",
        cls=Grouped,
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    command(group, "plan")(plan)
    command(group, "show")(show)
    command(group, "watch")(watch)
    command(group, "go-on")(go_on)
    command(group, "call-off")(call_off)
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
    session.show(found, lambda out: out.print(board(found)))


def watch(session: Session, model: Model, environment: Environment = "production") -> None:
    """Show it live, until no rollout is under way."""
    from rich.live import Live

    if session.json:
        session.show(session.client.rollout(model, environment), lambda out: None)
        return
    found = session.client.rollout(model, environment)
    with Live(board(found), console=session.out, refresh_per_second=4) as live:
        while found["under_way"] is not None:
            time.sleep(_LOOK_SECONDS)
            found = session.client.rollout(model, environment)
            live.update(board(found))


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
        session.out.print(board(found))
    if not yes and not session.json and session.out.is_terminal:
        typer.confirm(f"Let it go on as {session.client.whoami()['name']}?", abort=True)
    taken = session.client.rule(
        model, environment, under_way["evidence_digest"], go_on=True, comment=comment, key=key
    )
    session.show(taken, lambda out: out.print("[green]✓[/] it goes on"))


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


def _copies(each: VariantShare) -> str:
    """A variant that answers copies, and how often it said something else."""
    differ = f", {each['disagreed']:,} differ" if each["compared"] else ""
    return f"copies of {each['shadow_percent']:g} %{differ}"


def board(found: Rollout) -> RenderableType:
    """What is served and how it does, as a table and a sentence."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for name in ("variant", "version", "requests", "", "answered", "errors", "slow"):
        table.add_column(name, justify="left" if name in ("variant", "") else "right")
    for each in found["variants"]:
        table.add_row(
            each["name"],
            str(each["version"]),
            f"{each['percent']:g} %" if not each["shadow_percent"] else _copies(each),
            Text("█" * round(each["percent"] / 5), "cyan"),
            f"{each['requests']:,}",
            f"{each['errors']:,}",
            f"{each['slow']:,}",
        )
    behind = f", {len(found['behind'])} not yet" if found["behind"] else ""
    lines: list[RenderableType] = [
        Text.assemble(
            (found["model"], "bold"),
            f"  {found['environment']}, epoch {found['epoch']}, ",
            f"{found['processes']} processes{behind}",
        ),
        table,
    ]
    logged, lost = (sum(each[key] for each in found["variants"]) for key in ("logged", "lost"))
    if logged or lost:
        said = f"{logged:,} rows are in the log of requests, {lost:,} were lost"
        lines.append(Text(said, "yellow" if lost else "dim"))
    if (now := found["under_way"]) is not None:
        style = {"pass": "green", "fail": "red", "error": "red"}.get(now["verdict"], "yellow")
        lines.append(
            Text.assemble(
                (now["verdict"], style),
                f"  step {now['step']} of version {now['version']}: ",
                now["reason"],
            )
        )
        if now["held"]:
            lines.append(Text(f"{now['held']}: no larger share until `perennial resume`", "yellow"))
        if now["waiting"]:
            lines.append(
                Text("it waits for a person: perennial rollout go-on, or call-off", "yellow")
            )
    return Group(*lines)
