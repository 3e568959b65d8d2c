"""How a failed command ends: what happened, what to do, and an exit code."""

from __future__ import annotations

import difflib
import json
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import typer

from perennial.cli import exits

if TYPE_CHECKING:
    from perennial.cli.command import Session
    from perennial.connection import ApiError


class Stop(Exception):
    """A command cannot go on: says what happened, what to do, and how to exit."""

    def __init__(self, message: str, *, advice: str = "", code: int = exits.FAILED) -> None:
        super().__init__(message)
        self.advice = advice
        self.code = code


@contextmanager
def ending(session: Session) -> Iterator[None]:
    """Turn the errors that are expected into words on stderr and an exit code."""
    from perennial.connection import ApiError, ServiceAway
    from perennial.discovery import DiscoveryError

    try:
        yield
    except Stop as stop:
        show(session, str(stop), stop.advice)
        raise typer.Exit(stop.code) from None
    except ApiError as error:
        show(session, str(error), _advice(session, error), dict(error.problem))
        raise typer.Exit(exits.of_status(error.status)) from None
    except DiscoveryError as error:
        show(session, str(error))
        raise typer.Exit(exits.NOT_ALLOWED) from None
    except ServiceAway as error:
        show(session, str(error), _AWAY)
        raise typer.Exit(exits.AWAY) from None


_AWAY = (
    "`make up` starts the local stack and `make status` shows it; another API is named with --url "
    "or PERENNIAL_API_URL"
)


def show(
    session: Session, message: str, advice: str = "", problem: dict[str, Any] | None = None
) -> None:
    """Print an error to stderr: in words, or as a problem document with `--json`."""
    if session.json:
        document = problem or {"title": "Error", "detail": message}
        if advice:
            document = document | {"advice": advice}
        print(json.dumps(document), file=sys.stderr)
        return
    from perennial.cli.render import console, quoted

    err = console(stderr=True)
    # Not wrapped by us: who searches a log for a sentence finds it in one piece.
    err.print(f"[bold red]error:[/] {quoted(message)}", soft_wrap=True)
    if advice:
        err.print(f"[dim]{quoted(advice)}[/]", soft_wrap=True)


def near(name: str, names: Iterable[str]) -> str:
    """A question that names what was probably meant; empty when nothing is near."""
    found = difflib.get_close_matches(name, list(names), n=3)
    return f"did you mean {' or '.join(found)}?" if found else ""


def _advice(session: Session, error: ApiError) -> str:
    if error.status == 401:
        return (
            "the token was not accepted: `make up` writes the tokens of the local stack; "
            "PERENNIAL_TOKEN is used in their place when it is set"
        )
    if error.status == 403:
        return "--as NAME asks as somebody else of the tokens file"
    if error.status == 404:
        return _meant(session, error.asked)
    return ""


def _meant(session: Session, asked: str) -> str:
    """What a path that leads nowhere was probably meant to name."""
    from perennial.connection import ApiError, ServiceAway

    parts = [unquote(part) for part in asked.split("/")[2:]]
    try:
        match parts:
            case ["models", name, *_]:
                return near_model(session, name)
            case ["runs", name, *_]:
                return near(name, (run["run_id"] for run in session.client.runs()))
    except (ApiError, ServiceAway):
        pass  # the first error is the one to show
    return ""


def near_model(session: Session, name: str) -> str:
    """Which models there are, the nearest to a name if there is one."""
    names = [model["name"] for model in session.client.models()]
    if name in names:
        return ""
    return near(name, names) or f"the models are: {', '.join(names) or 'none yet'}"
