"""The drill: does a life go on whatever dies? It runs in the checkout, on a stack of its own."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from typing import Annotated

import typer

from perennial.cli import exits
from perennial.cli.command import Session, command
from perennial.cli.problems import Stop

_DRILL = "infra.drill"

Stages = Annotated[
    str | None, typer.Option("--stages", metavar="A,B", help="Only these stages; all by default.")
]
Processes = Annotated[
    str | None,
    typer.Option("--processes", metavar="X,Y", help="Only these processes; all by default."),
]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the records and logs of its stack.")]


def register(app: typer.Typer) -> None:
    """Add the command of this module."""
    command(app, "drill", panel="Records")(drill)


def drill(
    session: Session, stages: Stages = None, processes: Processes = None, keep: Keep = False
) -> int:
    """Kill each process in the middle of each stage, and compare with a life undisturbed.

    It starts a stack of its own beside whatever runs, and takes long for all of it. Ends
    with code 10 when a life did not come to the same end.
    """
    if not _is_here():
        raise Stop(
            f"the drill needs the local stack's code ({_DRILL}), which is not installed here",
            advice="run it in a checkout, where `make setup` installs all of it",
            code=exits.USAGE,
        )
    given = [("--stages", stages), ("--processes", processes)]
    options = [f"{name}={value}" for name, value in given if value is not None]
    options += [name for name, on in (("--keep", keep), ("--json", session.json)) if on]
    # a process of its own: what it loads is not for the command line
    return subprocess.run([sys.executable, "-m", _DRILL, *options]).returncode


def _is_here() -> bool:
    try:
        return importlib.util.find_spec(_DRILL) is not None
    except ModuleNotFoundError:
        return False
