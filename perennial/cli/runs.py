"""Runs: start one and follow it, look at one, list them, cancel one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perennial.cli import exits
from perennial.cli.command import Session, command
from perennial.cli.problems import Stop, near

if TYPE_CHECKING:
    from perennial.documents import Run, RunAccepted

PANEL = "Runs"
_RUN_ID = re.compile(r".+-[0-9a-f]{10}$")

Key = Annotated[
    str | None,
    typer.Option(
        "--key", metavar="KEY", help="Idempotency key: the same request again has no second effect."
    ),
]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why, for the records.")]
Hotfix = Annotated[
    bool,
    typer.Option("--hotfix", help="Go before others and end what is under way; needs a --reason."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Stay while the run waits for an approval.")]
Detach = Annotated[bool, typer.Option("--detach", help="Return once the run is accepted.")]
Limit = Annotated[
    int, typer.Option("--limit", min=1, metavar="N", help="How many, the newest first.")
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    command(app, "run", panel=PANEL)(run)
    command(app, "status", panel=PANEL)(status)
    command(app, "runs", panel=PANEL)(runs)
    command(app, "cancel", panel=PANEL)(cancel)


def run(
    session: Session,
    model: Annotated[str, typer.Argument(help="The model's name.")],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", metavar="K=V", help="A hyper-parameter for this run. Repeatable."),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, metavar="N", help="Epochs of this run.")
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option("--learning-rate", metavar="X", help="Learning rate of this run."),
    ] = None,
    reason: Reason = "",
    hotfix: Hotfix = False,
    key: Key = None,
    detach: Detach = False,
    wait: Wait = False,
) -> int:
    """Train a candidate and take it as far as the policy lets it, live.

    Ends when the run does, or with code 5 when it waits for an approval.
    """
    accepted = session.client.start_run(
        model,
        reason=reason,
        hotfix=with_reason(hotfix, reason),
        params=dict(_pair(text) for text in param or ()),
        epochs=epochs,
        learning_rate=learning_rate,
        key=key,
    )
    return go_on(session, model, accepted, hotfix=hotfix, detach=detach, wait=wait)


def with_reason(hotfix: bool, reason: str) -> bool:
    """The flag; a hotfix without a reason is a wrong command line."""
    if hotfix and not reason.strip():
        raise typer.BadParameter("--hotfix goes before others: say why, with --reason")
    return hotfix


def go_on(
    session: Session, model: str, accepted: RunAccepted, *, hotfix: bool, detach: bool, wait: bool
) -> int:
    """Follow a run that was accepted, or only say that it was."""
    if detach:
        session.show(accepted, lambda out: out.print(accepted["run_id"]))
        return exits.OK
    if accepted["status"] == "queued" and not session.json:
        ends = f"{accepted['run_id']} goes before others, once what is under way has ended for it"
        why = ends if hotfix else why_queued(session, model, accepted["run_id"])
        session.out.print(why, style="yellow")
    from perennial.cli.follow import follow

    return follow(session, accepted["run_id"], wait=wait)


def why_queued(session: Session, model: str, run_id: str) -> str:
    """What a queued run waits for: its turn, its model, or the platform."""
    if held := why_held(session):
        return f"{held}; the run begins after `perennial --as admin resume --all`"
    found = session.client.model(model)
    if found["status"] == "paused":
        return f"{model} is paused: the run begins after `perennial --as admin resume {model}`"
    before = [other for other in found["runs_under_way"] if other != run_id]
    return f"{run_id} is queued behind {', '.join(before) or 'a run that ends just now'}"


def why_held(session: Session) -> str:
    """Who paused the platform, and why; empty while it is not paused."""
    platform = session.client.platform()
    if not platform["paused"]:
        return ""
    because = f": {platform['reason']}" if platform["reason"] else ""
    return f"{platform['actor']} paused the platform{because}"


def status(
    session: Session,
    name: Annotated[
        str | None, typer.Argument(metavar="[RUN|MODEL]", help="A run or a model; none: all.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Follow the run.")] = False,
    wait: Wait = False,
) -> int:
    """Show a run, a model with its champions, or the state of everything.

    With the name of a run, the exit code is the one that `perennial run` would have had.
    """
    if name is None:
        if follow:
            raise typer.BadParameter("--follow needs a run to follow")
        return _everything(session)
    found = find_run(session, name)
    if found is None:
        from perennial.cli.models import show_model

        if follow:
            raise Stop(
                f"model {name!r} has no run under way",
                advice=f"`perennial run {name}` starts one",
                code=exits.NOT_FOUND,
            )
        show_model(session, name)
        return exits.OK
    if follow or wait:
        from perennial.cli.follow import follow as follow_run

        return follow_run(session, found["run_id"], wait=wait, from_start=False)
    return _show_run(session, found)


def find_run(session: Session, name: str, *, or_of_model: bool = False) -> Run | None:
    """The run that a name means; None when it is the name of a model instead.

    Args:
        session: whom to ask.
        name: a run or a model.
        or_of_model: for a model, take the run of it that is under way, if there is one.

    Raises:
        Stop: it is neither.
    """
    from perennial.client import ApiError

    try:
        # A run's id ends in ten hex digits; no other name is worth the question.
        if _RUN_ID.match(name):
            return session.client.run(name)
    except ApiError as error:
        if error.status != 404:
            raise
    try:
        model = session.client.model(name)
    except ApiError as error:
        if error.status not in (404, 422):  # 422: not even the form of a model's name
            raise
        names = [entry["name"] for entry in session.client.models()]
        names += [entry["run_id"] for entry in session.client.runs()]
        raise Stop(
            f"there is no run and no model {name!r}",
            advice=near(name, names)
            or "`perennial models` and `perennial runs` list what there is",
            code=exits.NOT_FOUND,
        ) from None
    if or_of_model and model["runs_under_way"]:
        return session.client.run(model["runs_under_way"][0])
    return None


def runs(
    session: Session,
    model: Annotated[
        str | None, typer.Option("--model", metavar="NAME", help="Of this model only.")
    ] = None,
    status: Annotated[
        str | None,
        typer.Option("--status", metavar="STATUS", help="queued, running, waiting or finished."),
    ] = None,
    outcome: Annotated[
        str | None,
        typer.Option(
            "--outcome",
            metavar="OUTCOME",
            help="promoted, denied, rejected, expired, failed, cancelled, reproduced or differs.",
        ),
    ] = None,
    limit: Limit = 20,
) -> None:
    """List runs, the newest first."""
    found = session.client.runs(model=model, status=status, outcome=outcome, limit=limit)
    from perennial.cli.lists import runs_table

    session.show(
        {"items": found}, lambda out: out.print(runs_table(found) if found else "no such runs")
    )


def cancel(
    session: Session,
    run: Annotated[str, typer.Argument(help="The run's id.")],
    reason: Reason = "",
    key: Key = None,
) -> None:
    """End a run that is queued or under way."""
    answer = session.client.cancel(run, reason=reason, key=key)
    session.show(answer, lambda out: out.print(f"{run} is being cancelled"))


def _pair(text: str) -> tuple[str, Any]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise typer.BadParameter(f"--param is NAME=VALUE, such as hidden=64; this is {text!r}")
    try:
        read = json.loads(value)
    except ValueError:
        return name, value
    # Numbers and booleans as JSON writes them; NaN, null, lists and the like stay text.
    finite = not isinstance(read, float) or abs(read) < float("inf")
    return name, read if isinstance(read, bool | int | float | str) and finite else value


def _show_run(session: Session, run: Run) -> int:
    from perennial.cli import follow, stages

    def draw(out: Any) -> None:
        epochs = stages.Epochs()
        epochs.take(run, ())
        out.print(stages.board(run, epochs))
        if run["status"] == "queued":
            out.print(why_queued(session, run["model"], run["run_id"]), style="yellow")
        elif _wants_to_promote(run) and (held := why_held(session)):
            hint = f"{held}; it is promoted after `perennial --as admin resume --all`"
            out.print(hint, style="yellow")
        elif run["waiting_for"].startswith("resume:"):
            held = why_held(session) or f"{run['model']} is paused"
            out.print(f"{held}; no larger share is given until it is resumed", style="yellow")
        follow.conclude(out, run)
        for name, link in run["links"].items():
            out.print(f"  [dim]{name}[/]  {link}", soft_wrap=True)

    session.show(run, draw)
    return follow.exit_code(run)


def _wants_to_promote(run: Run) -> bool:
    return any(s["stage"] == "promote" and s["status"] == "running" for s in run["stages"])


def _everything(session: Session) -> int:
    from perennial.cli.lists import overview

    client = session.client
    ready, platform, models = client.ready(), client.platform(), client.models()
    under_way = [
        run for status in ("running", "waiting", "queued") for run in client.runs(status=status)
    ]
    document = {"service": ready, "platform": platform, "models": models, "runs": under_way}
    session.show(document, lambda out: overview(out, ready, platform, models, under_way))
    return exits.OK if ready["status"] == "ready" else exits.AWAY
