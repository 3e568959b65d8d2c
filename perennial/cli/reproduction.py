"""Train a version again, and say whether it came out as it was."""

from __future__ import annotations

from typing import Annotated

import typer

from perennial.cli.command import Session, command
from perennial.cli.models import Model
from perennial.cli.runs import PANEL, Detach, Key, Reason, go_on


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(app, "reproduce", panel=PANEL)(reproduce)


def reproduce(
    session: Session,
    model: Model,
    version: Annotated[int, typer.Argument(min=1, help="A version that exists.")],
    tolerance: Annotated[
        float | None,
        typer.Option(
            "--tolerance",
            min=0,
            max=1,
            metavar="X",
            help="How far a metric may be off (0.001). 0: every weight to the last bit.",
        ),
    ] = None,
    reason: Reason = "",
    key: Key = None,
    detach: Detach = False,
) -> int:
    """Train a version again from its recorded inputs and compare, live; nothing is registered.

    Ends with code 10 where it does not come out again, and says which input has changed.
    """
    accepted = session.client.reproduce(model, version, tolerance=tolerance, reason=reason, key=key)
    return go_on(session, model, accepted, hotfix=False, detach=detach, wait=False)
