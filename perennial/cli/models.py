"""Models: apply a spec, list them, pause, resume and retire them, see their versions."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from perennial.cli import exits
from perennial.cli.command import Session, command
from perennial.cli.problems import Stop
from perennial.cli.runs import Key, Limit, Reason

if TYPE_CHECKING:
    from rich.console import Console

PANEL = "Models"
Model = Annotated[str, typer.Argument(help="The model's name.")]
OneOrAll = Annotated[str | None, typer.Argument(help="The model's name.", metavar="[MODEL]")]
All = Annotated[bool, typer.Option("--all", help="Every model: the whole platform.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "apply", panel=PANEL)(apply)
    command(app, "models", panel=PANEL)(models)
    command(app, "versions", panel=PANEL)(versions)
    command(app, "pause", panel=PANEL)(pause)
    command(app, "resume", panel=PANEL)(resume)
    command(app, "retire", panel=PANEL)(retire)


def apply(
    session: Session,
    file: Annotated[
        str, typer.Option("--file", "-f", metavar="FILE", help="The spec, YAML; - for stdin.")
    ],
    key: Key = None,
) -> None:
    """Make a model spec the one that counts from the next run on."""
    from perennial.cli.spec_problems import complain
    from perennial.client import ApiError

    content = _read(file)
    try:
        applied = session.client.apply(content, key=key)
    except ApiError as error:
        if error.kind != "spec-invalid" or session.json:
            raise
        complain("<stdin>" if file == "-" else file, content, error)
        raise typer.Exit(exits.FAILED) from None
    what = "applied" if applied["changed"] else "unchanged"
    session.show(
        applied,
        lambda out: out.print(
            f"{applied['model']}: spec version {applied['spec_version']}, {what}"
        ),
    )


def models(session: Session, limit: Limit = 100) -> None:
    """List the models, with where they have champions."""
    found = session.client.models(limit=limit)
    from perennial.cli.lists import models_table

    session.show(
        {"items": found},
        lambda out: out.print(models_table(found) if found else "no models yet: `perennial apply`"),
    )


def show_model(session: Session, name: str) -> None:
    """A model, its champions, and its newest runs."""
    model = session.client.model(name)
    newest = session.client.runs(model=name, limit=5)
    from perennial.cli.lists import champions_table, model_facts, runs_table

    def draw(out: Console) -> None:
        out.print(model_facts(model))
        if model["champions"]:
            out.print()
            out.print(champions_table(model["champions"]))
        if newest:
            out.print()
            out.print(runs_table(newest))

    session.show(model, draw)


def versions(
    session: Session,
    model: Model,
    version: Annotated[int | None, typer.Argument(help="One version, with its evidence.")] = None,
    limit: Limit = 20,
) -> None:
    """List the versions of a model, or show one with its evidence."""
    from perennial.cli import versions as drawn

    if version is not None:
        found = session.client.version(model, version)
        session.show(found, lambda out: drawn.one(out, found))
        return
    listed = session.client.versions(model, limit=limit)
    session.show(
        {"items": listed},
        lambda out: out.print(drawn.listed(listed) if listed else f"{model} has no version yet"),
    )


def pause(
    session: Session,
    model: OneOrAll = None,
    every: All = False,
    reason: Reason = "",
    key: Key = None,
) -> None:
    """Stop new runs and promotions until `resume`; what runs goes on, a rollback is possible.

    Give a model's name, or --all for every model.
    """
    if _is_all(model, every):
        _pause_all(session, True, reason, key)
    else:
        _pull(session, str(model), "pause", reason, key)


def resume(
    session: Session,
    model: OneOrAll = None,
    every: All = False,
    reason: Reason = "",
    key: Key = None,
) -> None:
    """Go on after a pause: of a model, or with --all of everything."""
    if _is_all(model, every):
        _pause_all(session, False, reason, key)
    else:
        _pull(session, str(model), "resume", reason, key)


def retire(
    session: Session,
    model: Model,
    reason: Reason = "",
    key: Key = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """End a model's life: its runs are cancelled, and no environment keeps a champion."""
    if not yes and not session.json and sys.stdin.isatty():
        typer.confirm(f"Retire {model}? This cannot be undone.", abort=True)
    _pull(session, model, "retire", reason, key)


def _pull(
    session: Session,
    model: str,
    lever: Literal["pause", "resume", "retire"],
    reason: str,
    key: str | None,
) -> None:
    answer: Any = session.client.lever(model, lever, reason=reason, key=key)
    session.show(answer, lambda out: out.print(f"{answer['model']} is {answer['status']}"))


def _is_all(model: str | None, every: bool) -> bool:
    if every == (model is not None):
        raise typer.BadParameter("give the name of one model, or --all for every model")
    return every


def _pause_all(session: Session, paused: bool, reason: str, key: str | None) -> None:
    answer = session.client.pause_all(paused=paused, reason=reason, key=key)
    said = (
        "the platform is paused: no run starts and nothing is promoted, in any model;\n"
        "what runs goes on, and `perennial --as admin resume --all` lifts it"
        if answer["paused"]
        else "the platform goes on, and so does whatever was held"
    )
    session.show(answer, lambda out: out.print(said, soft_wrap=True))


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Stop(
            f"{file} cannot be read: {error.strerror}",
            advice="give the path of a model spec, such as examples/flights/model.yaml",
            code=exits.USAGE,
        ) from None
