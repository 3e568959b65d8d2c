"""What all commands share: the three common options, the session, and how errors end.

A command is a function whose first parameter is a `Session`. `@command` registers it with
`--as`, `--url` and `--json` added, which may stand before the command's name or behind it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from perennial.client import Client

As = Annotated[
    str | None,
    typer.Option("--as", metavar="NAME", help="Who asks: a name or role of the tokens file."),
]
Url = Annotated[str | None, typer.Option("--url", metavar="URL", help="Address of the API.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout and nothing else.")]


@dataclass
class Session:
    """One call of the command line: whom it asks, as whom, and how it answers."""

    principal: str | None = None
    url: str | None = None
    json: bool = False
    _client: Client | None = None

    @property
    def client(self) -> Client:
        """The connection, made when it is first needed."""
        if self._client is None:
            from perennial.client import Client

            self._client = Client.local(self.principal, self.url)
        return self._client

    @property
    def out(self) -> Console:
        """Where answers go."""
        from perennial.cli.render import console

        return console()

    def show(self, document: Any, draw: Callable[[Console], None]) -> None:
        """Print the document as JSON if that was asked for, else have it drawn."""
        if self.json:
            print_json(document)
        else:
            draw(self.out)


def print_json(document: Any) -> None:
    """Write a document to stdout, as scripts read it."""
    import json

    print(json.dumps(document, indent=2, ensure_ascii=False))


def command(
    app: typer.Typer, name: str, *, panel: str | None = None
) -> Callable[[Callable[..., int | None]], Callable[..., int | None]]:
    """Register a command; what it returns is its exit code, None being 0."""

    def register(function: Callable[..., int | None]) -> Callable[..., int | None]:
        app.command(name, rich_help_panel=panel)(with_session(function))
        return function

    return register


def with_session(function: Callable[..., int | None]) -> Callable[..., None]:
    """Give a function the common options in place of its `Session`, and end as it says."""
    common = {"as_": As, "url": Url, "json_": AsJson}
    hints = get_type_hints(function, include_extras=True)
    own = list(inspect.signature(function).parameters.values())[1:]

    def call(**given: Any) -> None:
        context: typer.Context = given.pop("ctx")
        session = _narrowed(context, **{option: given.pop(option) for option in common})
        if context.invoked_subcommand is not None:
            context.obj = session  # a group that does something of its own when called alone
            return
        from perennial.cli.problems import ending

        with ending(session):
            raise typer.Exit(function(session, **given) or 0)

    parameters = [
        inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)
    ]
    parameters += [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
        for parameter in own
    ]
    parameters += [
        inspect.Parameter(
            option,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=annotation,
            default=False if option == "json_" else None,
        )
        for option, annotation in common.items()
    ]
    call.__doc__ = function.__doc__
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return call


def _narrowed(context: typer.Context, as_: str | None, url: str | None, json_: bool) -> Session:
    """The session of the options before the command, with those behind it put on top."""
    session = context.obj if isinstance(context.obj, Session) else Session()
    return replace(
        session,
        principal=as_ or session.principal,
        url=url or session.url,
        json=json_ or session.json,
    )
