"""All commands in one place, and the options that stand before them."""

from __future__ import annotations

import os
import sys

import typer

from perennial.cli import (
    alerts,
    approvals,
    cards,
    champions,
    data,
    decisions,
    drill,
    evidence,
    exits,
    groups,
    labels,
    ledger,
    models,
    policies,
    reproduction,
    rollouts,
    runs,
    triggers,
    windows,
)
from perennial.cli.command import As, AsJson, Session, Url, command
from perennial.cli.grouped import Grouped

_EPILOG = "Exit codes:\n\n\b\n" + "\n".join(
    f"{code:>5}  {meaning}" for code, meaning in exits.MEANING.items()
)

app = typer.Typer(
    name="perennial",
    cls=Grouped,
    epilog=_EPILOG,
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def common(context: typer.Context, as_: As = None, url: Url = None, json_: AsJson = False) -> None:
    """The life of a model, from data to production and back.

    The API is --url, or PERENNIAL_API_URL, or the stack of `make up` in this folder or one above
    it. Who asks is --as, a name of its tokens file, or the owner of PERENNIAL_TOKEN.
    """
    context.obj = Session(as_, url, json_)


def whoami(session: Session) -> None:
    """Say who is asking, and whom."""
    identity = session.client.whoami()
    session.show(
        identity | {"url": session.client.url},
        lambda out: out.print(
            f"{identity['name']}, with the role {identity['role']}, at {session.client.url}",
            soft_wrap=True,
        ),
    )


for module in (
    models,
    data,
    evidence,
    cards,
    labels,
    runs,
    reproduction,
    triggers,
    approvals,
    champions,
    rollouts,
    groups,
    windows,
    decisions,
    policies,
    alerts,
    ledger,
    drill,
):
    module.register(app)
command(app, "whoami", panel="Records")(whoami)


def run() -> None:
    """Run the command line, and end the process."""
    # A terminal that cannot show a sign shows a question mark in its place, and no traceback.
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        app(prog_name="perennial")
    except BrokenPipeError:
        # The reader, such as `head`, has seen enough. Nothing more can be flushed.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(exits.OK) from None
