"""Champions: which version each environment has, promote one, roll back to the one before."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from perennial.cli.command import Session, command
from perennial.cli.models import Model
from perennial.cli.runs import Detach, Hotfix, Key, Limit, Reason, Wait, go_on, with_reason

PANEL = "Champions"
Environment = Annotated[
    str,
    typer.Option(
        "--environment", "-e", metavar="ENV", help="development, testing, staging or production."
    ),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "champions", panel=PANEL)(champions)
    command(app, "promote", panel=PANEL)(promote)
    command(app, "rollback", panel=PANEL)(rollback)


def champions(
    session: Session,
    model: Model,
    history: Annotated[bool, typer.Option("--history", help="Every champion there was.")] = False,
    environment: Annotated[
        str | None,
        typer.Option("--environment", "-e", metavar="ENV", help="Of this environment only."),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help='What was champion then: "2026-11-23 14:30".'),
    ] = None,
    limit: Limit = 50,
) -> None:
    """Show which version each environment has, or had, since when and by whose hand."""
    from perennial.cli.lists import champions_table, reigns_table

    if history or at:
        reigns = session.client.history(
            model, environment=environment, at=_instant(at) if at else None, limit=limit
        )
        session.show(
            {"items": reigns},
            lambda out: out.print(
                reigns_table(reigns, of_one=environment is not None)
                if reigns
                else "there was no champion"
            ),
        )
        return
    found = [
        champion
        for champion in session.client.champions(model)
        if environment in (None, champion["environment"])
    ]
    session.show(
        {"model": model, "champions": found},
        lambda out: out.print(
            champions_table(found) if found else f"{model} has no champion yet: `perennial run`"
        ),
    )


def promote(
    session: Session,
    model: Model,
    version: Annotated[int, typer.Argument(min=1, help="A version that exists.")],
    to: Annotated[str, typer.Option("--to", metavar="ENV", help="The last environment to enter.")],
    reason: Reason = "",
    hotfix: Hotfix = False,
    key: Key = None,
    detach: Detach = False,
    wait: Wait = False,
) -> int:
    """Take a version through the environments again, under the policy of today, live."""
    urgent = with_reason(hotfix, reason)
    accepted = session.client.promote(model, version, to, reason=reason, hotfix=urgent, key=key)
    return go_on(session, model, accepted, hotfix=hotfix, detach=detach, wait=wait)


def rollback(
    session: Session,
    model: Model,
    environment: Environment,
    to: Annotated[
        int | None,
        typer.Option("--to", metavar="VERSION", min=1, help="Unless given, the champion before."),
    ] = None,
    reason: Reason = "",
    key: Key = None,
) -> None:
    """Put an earlier champion of an environment back, at once."""
    champion = session.client.roll_back(model, environment, to_version=to, reason=reason, key=key)
    session.show(
        champion,
        lambda out: out.print(
            f"[green]✓[/] version {champion['version']} of {model} is champion of "
            f"{environment} again, epoch {champion['epoch']}"
        ),
    )


def _instant(text: str) -> str:
    """RFC 3339 of what a person typed; local time where no zone is named."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC).isoformat().replace("+00:00", "Z")
    except ValueError:
        raise typer.BadParameter(
            f"--at is a time such as 2026-11-23T14:30, local unless a zone is given; not {text!r}"
        ) from None
