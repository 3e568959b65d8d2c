"""Approvals: what waits for people, and their word on it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from perennial.cli import exits
from perennial.cli.command import Session, command
from perennial.cli.problems import Stop
from perennial.cli.runs import Key, Limit, find_run

if TYPE_CHECKING:
    from perennial.documents import Approval, VoteTaken

PANEL = "Approvals"
Name = Annotated[
    str, typer.Argument(metavar="RUN|APPROVAL", help="A run, an approval, or a model's only one.")
]
Comment = Annotated[
    str, typer.Option("--comment", "-m", metavar="TEXT", help="Why, for the records.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "approvals", panel=PANEL)(approvals)
    command(app, "approve", panel=PANEL)(approve)
    command(app, "reject", panel=PANEL)(reject)


def approvals(
    session: Session,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Of this model only.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are closed.")] = False,
    limit: Limit = 50,
) -> None:
    """List what waits for people."""
    status = None if everything else "open"
    found = session.client.approvals(status=status, model=model, limit=limit)
    from perennial.cli.lists import approvals_table

    session.show(
        {"items": found},
        lambda out: out.print(approvals_table(found) if found else "nothing waits for people"),
    )


def approve(
    session: Session, name: Name, comment: Comment = "", yes: Yes = False, key: Key = None
) -> None:
    """Say yes to a version in an environment, after a look at its evidence."""
    _vote(session, name, comment, key, yes=yes, approve=True)


def reject(
    session: Session, name: Name, comment: Comment = "", yes: Yes = False, key: Key = None
) -> None:
    """Say no to a version in an environment, which ends its run."""
    _vote(session, name, comment, key, yes=yes, approve=False)


def _vote(
    session: Session, name: str, comment: str, key: str | None, *, yes: bool, approve: bool
) -> None:
    client = session.client
    approval = _find(session, name)
    version = client.version(approval["model"], approval["version"])
    if not session.json:
        from perennial.cli.versions import judged

        judged(session.out, approval, version)
    _confirm(session, approval, yes=yes, approve=approve)
    # The digest of what was shown, so that nobody approves evidence that has changed since.
    taken = client.vote(
        approval["approval_id"],
        version["evidence_digest"],
        approve=approve,
        comment=comment,
        key=key,
    )
    session.show(taken, lambda out: out.print(_said(approval, taken, approve=approve)))


def _confirm(session: Session, approval: Approval, *, yes: bool, approve: bool) -> None:
    """Ask a person who sits at a terminal; a script has said what it wants."""
    if yes or session.json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return
    word = "Approve" if approve else "Reject"
    typer.confirm(
        f"{word} version {approval['version']} for {approval['environment']} "
        f"as {session.client.whoami()['name']}?",
        abort=True,
    )


def _said(approval: Approval, taken: VoteTaken, *, approve: bool) -> str:
    what = f"version {approval['version']} of {approval['model']} for {approval['environment']}"
    if not approve:
        return f"[red]✗[/] rejected {what}"
    if taken["status"] == "approved":
        return (
            f"[green]✓[/] approved {what}; the run goes on:\n"
            f"  perennial status {approval['run_id']} --follow"
        )
    missing = taken["required"] - taken["votes"]
    return f"[green]✓[/] your yes to {what} counts; {missing} more needed"


def _find(session: Session, name: str) -> Approval:
    """The open question that a name means.

    Raises:
        Stop: it names none, or more than one.
    """
    if "." in name:  # only an approval's id has dots
        return session.client.approval(name)
    run = find_run(session, name)
    if run is not None:
        approval = run["approval"]
        if approval is None or approval["status"] != "open":
            was = f", and its approval was {approval['status']}" if approval else ""
            raise Stop(
                f"run {name} waits for no approval: it is {run['outcome'] or run['status']}{was}",
                advice="`perennial approvals` lists what waits for people",
            )
        return approval
    found = session.client.approvals(model=name)
    if len(found) == 1:
        return found[0]
    if not found:
        raise Stop(
            f"nothing of {name!r} waits for people",
            advice="`perennial approvals --all` lists what was asked before",
            code=exits.NOT_FOUND,
        )
    raise Stop(
        f"{len(found)} questions of {name!r} are open: say which run",
        advice=", ".join(approval["run_id"] for approval in found),
        code=exits.USAGE,
    )
