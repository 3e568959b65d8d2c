"""Follow a run to its end, or to the moment at which it waits for people."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from perennial.cli import exits, stages
from perennial.cli.render import console
from perennial.cli.watch import Update, watch
from perennial.documents import Run, Stage

if TYPE_CHECKING:
    from perennial.cli.command import Session


def follow(session: Session, run_id: str, *, wait: bool, from_start: bool = True) -> int:
    """Show a run as it goes on. Returns its exit code.

    Args:
        session: whom to ask, and how to show it.
        run_id: the run.
        wait: whether to stay while the run waits for an approval.
        from_start: whether to tell what had happened before, where lines are told.
    """
    updates = _until_it_stands(watch(session.client, run_id), wait=wait)
    try:
        if session.json:
            run = _last(updates)
        elif session.out.is_terminal and not session.out.is_dumb_terminal:
            run = _live(session.out, updates, wait=wait)
        else:
            run = _lines(session.out, updates, wait=wait, from_start=from_start)
    except KeyboardInterrupt:
        _say_it_goes_on(run_id)
        return exits.INTERRUPTED
    session.show(run, lambda out: conclude(out, run))
    return exit_code(run)


def exit_code(run: Run) -> int:
    """What the state of a run means to a script."""
    if run["status"] == "finished":
        return exits.of_outcome(run["outcome"])
    return exits.WAITING if stages.open_question(run) else exits.OK


def conclude(out: Console, run: Run) -> None:
    """The last words on a run: how it ended, or what it waits for."""
    if run["status"] == "finished":
        out.print(stages.ended(run), soft_wrap=not out.is_terminal)
    elif approval := stages.open_question(run):
        for line in stages.question(approval):
            # Commands are for copying: a terminal may wrap them, we do not.
            out.print(line, soft_wrap=True)


def _until_it_stands(updates: Iterator[Update], *, wait: bool) -> Iterator[Update]:
    for update in updates:
        yield update
        if stages.open_question(update.run) and not wait:
            return


def _last(updates: Iterator[Update]) -> Run:
    run: Run | None = None
    for update in updates:
        run = update.run
    assert run is not None  # a watch yields at least once
    return run


def _live(out: Console, updates: Iterator[Update], *, wait: bool) -> Run:
    """Redraw the board four times a second, so that the clocks of running stages go."""
    epochs = stages.Epochs()
    run: Run | None = None

    def draw() -> RenderableType:
        if run is None:
            return Text("")
        approval = stages.open_question(run) if wait else None
        return Group(stages.board(run, epochs), *(stages.question(approval) if approval else ()))

    with Live(get_renderable=draw, console=out, refresh_per_second=4) as live:
        for update in updates:
            epochs.take(update.run, update.events)
            run = update.run
            live.refresh()
    assert run is not None
    return run


def _lines(out: Console, updates: Iterator[Update], *, wait: bool, from_start: bool) -> Run:
    """A line for each thing as it happens, for logs and pipes. Lines are not wrapped."""
    epochs = stages.Epochs()
    said: set[str] = set()
    run: Run | None = None

    def say_once(text: Text, key: str | None = None) -> None:
        if (key or text.plain) not in said:
            said.add(key or text.plain)
            out.print(text, soft_wrap=True)

    for update in updates:
        if run is None and not from_start:
            epochs.take(update.run, ())
            said |= {_key(stage) for stage in update.run["stages"] if _over(stage)}
        run = update.run
        say_once(Text(run["run_id"], "bold"))
        for line in stages.retrying(run):
            say_once(Text(line))
        for line in epochs.take(run, update.events):
            say_once(Text(f"    {line}"))
        for stage in filter(_over, run["stages"]):
            say_once(_line(stage), _key(stage))
        if wait and (approval := stages.open_question(run)):
            for text in stages.question(approval):
                say_once(text, f"{approval['approval_id']} {text.plain}")
    assert run is not None
    return run


def _line(stage: Stage) -> Text:
    sign, style = stages.SIGNS[stage["status"]]
    # Why it failed is said at the end of the run.
    summary = stage["summary"] if stage["status"] == "passed" else ""
    line = Text.assemble(
        (sign, style), f" {stages.name(stage):<20}", (f"{stages.spent(stage):>8}", "dim")
    )
    return line.append(f"  {summary}") if summary else line


def _over(stage: Stage) -> bool:
    return stage["status"] in ("passed", "failed")


def _key(stage: Stage) -> str:
    # A stage can go on twice, when it is asked again; it has begun at another time then.
    return f"{stages.name(stage)}/{stage['started_at']}"


def _say_it_goes_on(run_id: str) -> None:
    err = console(stderr=True)
    err.print(f"\nthe run goes on: [bold]perennial status {run_id}[/] shows it,")
    err.print(f"[bold]perennial cancel {run_id}[/] ends it")
