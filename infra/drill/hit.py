"""Wait until a run is in the middle of a stage, and kill then.

How the middle is hit: the stage is seen running, some of the time it usually takes passes, and
then, holding the records so that the stage cannot be marked as passed, it is looked at once more.
If it still runs, the kill is inside it; if not, it was missed. After some misses, the records are
held from the beginning but for moments that are shorter than any stage.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from infra.drill import victims
from infra.drill.plan import Cell
from infra.drill.records import Records
from infra.stack import Stack

_LOOK_SECONDS = 0.003
_HELD_SECONDS = 0.02
_OPEN_SECONDS = 0.005
_EPOCHS_BEFORE = 2
# these last, so that who is to be killed can be found out on the spot
_LASTING = ("train", "approval", "rollout")


class Missed(Exception):
    """The stage was over before anything could be killed."""


@dataclass(frozen=True)
class Hit:
    """What was killed, and when on the monotonic clock."""

    pids: list[int]
    at: float


def hit(
    stack: Stack,
    cell: Cell,
    model: str,
    records: Records,
    *,
    into: float | None,
    limit: float,
    start: Callable[[], object],
) -> Hit:
    """Start a run, and kill the cell's process in the middle of the cell's stage.

    Args:
        stack: all of it ready.
        cell: what is killed, and when.
        model: the run that `records` look at is still to come.
        records: of the stack.
        into: seconds from the stage's beginning to the kill, which stages that last know better;
            None to kill as soon as it has begun, with the records held all the time.
        limit: seconds until the stage must have begun.
        start: starts the run. What is killed may be what should have answered.

    Raises:
        Missed: the stage was over already.
        TimeoutError: it did not begin.
    """
    # finding takes longer than the short stages do
    doomed = [] if cell.stage in _LASTING else victims.find(stack, cell.process)
    # the first stages are over before the API has answered
    threading.Thread(target=start, name="start", daemon=True).start()
    deadline = time.monotonic() + limit
    if into is None and cell.stage not in _LASTING:
        at = _kill_while_held(cell, model, records, doomed, deadline)
    else:
        at = _kill_when_inside(stack, cell, model, records, doomed, deadline, into or 0)
    victims.see_gone(stack, cell.process, doomed)
    return Hit([process.pid for process in doomed], at)


def _kill_when_inside(
    stack: Stack,
    cell: Cell,
    model: str,
    records: Records,
    doomed: list[psutil.Process],
    deadline: float,
    into: float,
) -> float:
    while not _is_inside(cell, model, records):
        _not_yet(cell, model, records, deadline)
        time.sleep(_LOOK_SECONDS)
    if cell.stage in _LASTING:
        doomed += victims.find(stack, cell.process)
        if not doomed:
            raise Missed(f"there was no process to kill for {cell}")
    else:
        time.sleep(into)
    with records.holding():
        if not _is_inside(cell, model, records):
            raise Missed(f"{cell.stage} of {model} was over")
        at = time.monotonic()
        victims.kill(doomed)
    return at


def _kill_while_held(
    cell: Cell, model: str, records: Records, doomed: list[psutil.Process], deadline: float
) -> float:
    while True:
        with records.holding():
            if _is_inside(cell, model, records):
                at = time.monotonic()
                victims.kill(doomed)
                return at
            _not_yet(cell, model, records, deadline)
            time.sleep(_HELD_SECONDS)
        # not slept through: a sleep takes as long as others let it
        opened = time.monotonic()
        while time.monotonic() - opened < _OPEN_SECONDS:
            pass


def _is_inside(cell: Cell, model: str, records: Records) -> bool:
    seen = records.stage(model, cell.stage, cell.environment)
    if seen is None:
        return False
    if seen.status != "running":
        raise Missed(f"{cell.stage} of {model} was over when it was seen")
    if cell.stage == "train":
        return int(seen.progress.get("epoch", 0)) >= _EPOCHS_BEFORE
    if cell.stage == "rollout":
        return bool(seen.progress.get("step"))
    if cell.stage == "approval":
        return records.waits_for_people(model) is not None
    return True


def _not_yet(cell: Cell, model: str, records: Records, deadline: float) -> None:
    """Go on waiting, unless that is in vain."""
    if records.is_finished(model):
        why = records.run(model)["reason"]
        raise Missed(f"the run of {model} ended without being seen in {cell.stage}: {why}")
    if time.monotonic() > deadline:
        raise TimeoutError(f"the run of {model} did not come to {cell.stage}")
