"""Watch a rollout: what answers, and how it is judged, until its run has ended or asks people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from perennial.cli import exits, follow, stages
from perennial.cli.render import console
from perennial.cli.rollout_board import alone, board, line
from perennial.cli.watch import watch
from perennial.client import Client, ServiceAway
from perennial.documents import Rollout, Run

if TYPE_CHECKING:
    from perennial.cli.command import Session

_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Frame:
    """What is served now, and the run that wants it otherwise.

    Attributes:
        run: None where the model never had one.
        late: nothing is under way, and `run` is the last one.
    """

    rollout: Rollout
    run: Run | None
    late: bool = False


def watch_rollout(session: Session, model: str, environment: str) -> int:
    """Show it live. Returns the exit code of its run; 0 where there never was one."""
    found = frames(session.client, model, environment)
    try:
        if session.json:
            last = _last(found)
        elif session.out.is_terminal and not session.out.is_dumb_terminal:
            last = _live(session.out, found)
        else:
            last = _lines(session.out, found)
    except KeyboardInterrupt:
        again = f"perennial rollout watch {model}"
        console(stderr=True).print(f"\nit goes on: [bold]{again}[/] shows it")
        return exits.INTERRUPTED
    session.show(last.rollout, lambda out: _conclude(out, last))
    return exits.OK if last.run is None else follow.exit_code(last.run)


def frames(client: Client, model: str, environment: str) -> Iterator[Frame]:
    """How it is now, and again whenever something happens and each second.

    The run is watched and not the rollout alone: so a watch that begins a moment before the
    rollout does not miss it, and one that ends with it or comes too late knows how it went.

    Raises:
        ApiError: the model has no champion there, or may not be seen.
        ServiceAway: the API has not answered for long.
    """
    found = client.rollout(model, environment)
    run_id = _run_of(client, found)
    if run_id is None:
        last = client.runs(model=model, limit=1)
        yield Frame(found, client.run(last[0]["run_id"]) if last else None, late=True)
        return
    for update in watch(client, run_id, every=_LOOK_SECONDS):
        try:
            found = client.rollout(model, environment)
        except ServiceAway:
            continue  # the watch of the run raises where it stays away
        yield Frame(found, update.run)
        if stages.open_question(update.run):
            return


def _run_of(client: Client, found: Rollout) -> str | None:
    """The run whose rollout it is, or whose rollout there may be in a moment."""
    if found["under_way"] is not None:
        return found["under_way"]["run_id"]
    return next(iter(client.model(found["model"])["runs_under_way"]), None)


def _last(found: Iterator[Frame]) -> Frame:
    last: Frame | None = None
    for frame in found:
        last = frame
    assert last is not None  # there is one at least
    return last


class _Board:
    """What is drawn. Once a rollout is over its last figures stay, beside the end of its run."""

    def __init__(self) -> None:
        self._last: Rollout | None = None

    def draw(self, frame: Frame) -> RenderableType:
        """The board after one more frame."""
        # at its end the champion has all requests for a moment before the rollout is over
        if frame.rollout["under_way"] is not None and len(frame.rollout["variants"]) > 1:
            self._last = frame.rollout
        return board(self._last or frame.rollout, frame.run)


def _live(out: Console, found: Iterator[Frame]) -> Frame:
    """Redraw the board with each frame."""
    drawn, last = _Board(), None
    with Live(Text(""), console=out, refresh_per_second=4) as live:
        for last in found:
            live.update(drawn.draw(last), refresh=True)
    assert last is not None
    return last


def _lines(out: Console, found: Iterator[Frame]) -> Frame:
    """A line for each change, for logs and pipes, and the board at the end."""
    drawn, said, last = _Board(), "", None
    shown: RenderableType = Text("")
    for last in found:
        shown = drawn.draw(last)
        if last.run is not None and last.run["status"] != "finished":
            now = line(last.rollout, last.run)
            if now != said:
                out.print(
                    Text.assemble((f"{datetime.now():%H:%M:%S}  ", "dim"), now), soft_wrap=True
                )
            said = now
    out.print(shown)
    assert last is not None
    return last


def _conclude(out: Console, last: Frame) -> None:
    """How the run ended or what it waits for, and who answers now."""
    if last.late:
        which = "" if last.run is None else f"; the last run was {last.run['run_id']}"
        out.print(f"no run is under way{which}", style="dim", soft_wrap=True)
    if last.run is None:
        return
    follow.conclude(out, last.run)
    if last.run["status"] == "finished" and (now := alone(last.rollout)):
        out.print(now)
