"""Triggers: what asked for models to be trained again, and asking for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.command import Session, command
from perennial.cli.models import Model
from perennial.cli.runs import Key, Limit, Reason

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from perennial.trigger_documents import Trigger, TriggerRecorded

PANEL = "Runs"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "retrain", panel=PANEL)(retrain)
    command(app, "triggers", panel=PANEL)(triggers)


def retrain(
    session: Session,
    model: Model,
    snapshot: Annotated[
        str | None,
        typer.Option(
            "--snapshot",
            metavar="TEXT",
            help="Names the rows, such as a partition or a digest: the same are not learnt twice.",
        ),
    ] = None,
    new_data: Annotated[bool, typer.Option("--new-data", help="Since rows have arrived.")] = False,
    reason: Reason = "",
    key: Key = None,
) -> None:
    """Ask for a model to be trained again, if its limits allow; `run` asks for no leave."""
    answer = session.client.retrain(
        model, snapshot=snapshot, new_data=new_data, reason=reason, key=key
    )
    session.show(answer, lambda out: _say(out, model, answer))


def triggers(
    session: Session,
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="Of this model; none: of all.")
    ] = None,
    cause: Annotated[
        str | None,
        typer.Option(
            "--cause",
            metavar="CAUSE",
            help="drift, quality, data, schedule, policy, message or request.",
        ),
    ] = None,
    decision: Annotated[
        str | None,
        typer.Option("--decision", metavar="DECISION", help="allow, wait or ask."),
    ] = None,
    limit: Limit = 20,
) -> None:
    """List what asked for models to be trained again, and what came of it, the newest first."""
    found = session.client.triggers(model, cause=cause, decision=decision, limit=limit)
    session.show(
        {"items": found},
        lambda out: out.print(
            _table(found, of_one=model is not None) if found else "no such triggers"
        ),
    )


def _say(out: Console, model: str, answer: TriggerRecorded) -> None:
    from perennial.cli.render import quoted, when

    governed = answer["governed"]
    why = quoted(governed["reason"])
    if run := answer["run_id"]:
        out.print(f"[green]✓[/] {model} is trained again ({why})")
        out.print(f"  `perennial status {run} --follow` follows it", soft_wrap=True)
    elif governed["decision"] == "ask":
        out.print(f"[yellow]not without a person:[/] {why}")
        out.print(f"  `perennial run {model}` starts a run by hand")
    else:
        until = f"; asked again by itself {when(governed['until'])}" if governed["until"] else ""
        out.print(f"[yellow]not now:[/] {why}{until}")


def _table(found: list[Trigger], *, of_one: bool) -> Table:
    from perennial.cli.render import table, when, word

    columns = ("model", "asked", "cause", "by", "decision", "what came of it")
    rows = (
        (
            each["model"],
            when(each["at"]),
            each["cause"],
            each["actor"],
            word(each["decision"]),
            ": ".join(part for part in (each["run_id"] or each["rule"], each["why"]) if part),
        )
        for each in found
    )
    first = 1 if of_one else 0
    return table(columns[first:], (row[first:] for row in rows))
