"""Alerts: what people are to know of, who takes care of it, and what is not to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli.command import Session, command, with_session
from perennial.cli.grouped import Grouped
from perennial.cli.runs import Key, Limit, Reason

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from perennial.alert_documents import Alert, AlertDetail, Silence

Id = Annotated[str, typer.Argument(metavar="ALERT", help="The alert's id.")]
_STYLES = {"critical": "red", "high": "yellow", "low": ""}


def register(app: typer.Typer) -> None:
    """Add the group of this module."""
    group = typer.Typer(
        help="Alerts: list, show, ack; silence, silences, unsilence.",
        cls=Grouped,
        rich_markup_mode=None,
    )
    group.callback(invoke_without_command=True)(with_session(alerts))
    command(group, "list")(alerts)
    command(group, "show")(show)
    command(group, "ack")(ack)
    command(group, "silence")(silence)
    command(group, "silences")(silences)
    command(group, "unsilence")(unsilence)
    app.add_typer(group, name="alerts", rich_help_panel="Alerts")


def alerts(
    session: Session,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Of this model only.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are over.")] = False,
    limit: Limit = 50,
) -> None:
    """List alerts that are not over: those that nobody has taken care of first."""
    found = [
        alert
        for status in ((None,) if everything else ("open", "acknowledged"))
        for alert in session.client.alerts(status=status, model=model, limit=limit)
    ]
    session.show({"items": found}, lambda out: out.print(_table(found) if found else "no alerts"))


def show(session: Session, alert: Id) -> None:
    """Show an alert, and what became of each message about it."""
    found = session.client.alert(alert)
    session.show(found, lambda out: _draw(out, found))


def ack(
    session: Session,
    alert: Id,
    comment: Annotated[
        str, typer.Option("--comment", "-m", metavar="TEXT", help="For the others.")
    ] = "",
    key: Key = None,
) -> None:
    """Say that you take care of an alert: it is not sent again, nor escalated."""
    found = session.client.acknowledge(alert, comment=comment, key=key)
    session.show(
        found,
        lambda out: out.print(f"[green]✓[/] {alert} is {found['acknowledged_by']}'s now"),
    )


def silence(
    session: Session,
    model: Annotated[str, typer.Argument(metavar="MODEL|all", help="Whose alerts.")],
    duration: Annotated[
        str, typer.Option("--for", metavar="TIME", help="For how long: 30m, 4h, 7d.")
    ],
    pattern: Annotated[
        str, typer.Option("--match", metavar="KIND/KEY", help="Only these, with * and ?.")
    ] = "*",
    reason: Reason = "",
    key: Key = None,
) -> None:
    """Send nothing of a model's alerts for a while; they are kept and listed all the same."""
    found = session.client.silence(
        duration, model=None if model == "all" else model, pattern=pattern, reason=reason, key=key
    )
    session.show(found, lambda out: _silenced(out, found))


def silences(session: Session) -> None:
    """List what is not sent at present."""
    found = session.client.silences()
    session.show(
        {"items": found}, lambda out: out.print(_silences(found) if found else "all is sent")
    )


def unsilence(
    session: Session,
    silence: Annotated[str, typer.Argument(metavar="SILENCE", help="The silence's id.")],
    key: Key = None,
) -> None:
    """Send again before a silence's time is over."""
    found = session.client.end_silence(silence, key=key)
    session.show(found, lambda out: out.print(f"[green]✓[/] {silence} is over"))


def _table(found: list[Alert]) -> Table:
    from rich.text import Text

    from perennial.cli.render import table, when, word

    return table(
        ("alert", "severity", "model", "status", "times#", "last", "what"),
        (
            (
                alert["alert_id"],
                Text(alert["severity"], style=_STYLES.get(alert["severity"], "")),
                alert["model"],
                word("silent" if alert["muted"] else alert["status"]),
                str(alert["raised"]),
                when(alert["last_at"]),
                alert["title"],
            )
            for alert in found
        ),
    )


def _draw(out: Console, found: AlertDetail) -> None:
    from rich.text import Text

    from perennial.cli.render import facts, table, when, word

    taken = found["acknowledged_by"]
    out.print(
        facts(
            (
                ("alert", Text(found["title"], style="bold")),
                ("model", f"{found['model']} {found['environment'] or ''}".strip()),
                ("severity", Text(found["severity"], style=_STYLES.get(found["severity"], ""))),
                ("about", f"{found['kind']}/{found['key']}"),
                ("status", word(found["status"])),
                (
                    "raised",
                    f"{found['raised']} times, {when(found['first_at'])} to "
                    f"{when(found['last_at'])}",
                ),
                ("by", f"{taken}: {found['comment']}" if taken else None),
                ("escalates", when(found["escalate_at"]) if found["escalate_at"] else None),
                ("over", found["closed_because"] or None),
                *((name, url) for name, url in found["links"].items()),
            )
        )
    )
    if found["body"]:
        out.print(Text(f"\n{found['body']}"))
    if found["deliveries"]:
        out.print()
        out.print(
            table(
                ("channel", "why", "status", "tries#", "at", "error"),
                (
                    (
                        each["channel"],
                        each["cause"],
                        word(each["status"]),
                        str(each["attempts"]),
                        when(each["sent_at"] or each["next_at"]),
                        each["last_error"],
                    )
                    for each in found["deliveries"]
                ),
            )
        )


def _silenced(out: Console, found: Silence) -> None:
    from perennial.cli.render import when

    whose = found["model"] or "every model"
    out.print(
        f"[green]✓[/] {found['pattern']} of {whose} is not sent until {when(found['until'])}\n"
        f"[dim]perennial alerts unsilence {found['silence_id']}[/]  ends it"
    )


def _silences(found: list[Silence]) -> Table:
    from perennial.cli.render import table, when

    return table(
        ("silence", "model", "what", "until", "by", "why"),
        (
            (
                each["silence_id"],
                each["model"] or "all",
                each["pattern"],
                when(each["until"]),
                each["actor"],
                each["reason"],
            )
            for each in found
        ),
    )
