"""Wait until a run is in the middle of a stage, and kill then.

How the middle is hit: the stage is seen running, some of the time it usually takes passes, and
then, holding the records so that the stage cannot be marked as passed, it is looked at once more.
If it still runs, the kill is inside it; if not, it was missed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import psutil

from infra.drill import victims
from infra.drill.plan import EVERYTHING, Cell
from infra.drill.records import Records
from infra.stack import Stack

_LOOK_SECONDS = 0.003
_GONE_SECONDS = 10.0
_EPOCHS_BEFORE = 2
# these last, so that who is to be killed can be found out on the spot
_LASTING = ("train", "approval")


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
    records: Records,
    start: Callable[[], str],
    *,
    into: float,
    limit: float,
) -> Hit:
    """Start a run, and kill the cell's process in the middle of the cell's stage.

    Args:
        stack: all of it ready.
        cell: what is killed, and when.
        records: of the stack.
        start: starts the run and returns its id.
        into: seconds from the stage's beginning to the kill; training and approval know better.
        limit: seconds until the stage must have begun.

    Raises:
        Missed: the stage was over already.
        TimeoutError: it did not begin.
    """
    # finding takes longer than the short stages do
    doomed = [] if cell.stage in _LASTING else victims.find(stack, cell.process)
    run_id = start()
    _await_middle(cell, records, run_id, time.monotonic() + limit)
    if cell.stage in _LASTING:
        doomed = victims.find(stack, cell.process)
    else:
        time.sleep(into)
    if not doomed:
        raise Missed(f"there was no process to kill for {cell}")
    with records.holding():
        if not _runs(cell, records, run_id):
            raise Missed(f"{cell.stage} of {run_id} was over")
        at = time.monotonic()
        victims.kill(doomed)
    psutil.wait_procs(doomed, timeout=_GONE_SECONDS)
    if cell.process == EVERYTHING:
        # what was started while the others died; nobody starts it again
        while late := victims.everything(stack):
            victims.kill(late)
            psutil.wait_procs(late, timeout=_GONE_SECONDS)
    return Hit([process.pid for process in doomed], at)


def _await_middle(cell: Cell, records: Records, run_id: str, deadline: float) -> None:
    while not _is_inside(cell, records, run_id):
        if records.is_finished(run_id):
            raise Missed(f"{run_id} ended without being seen in {cell.stage}")
        if time.monotonic() > deadline:
            raise TimeoutError(f"run {run_id} did not come to {cell.stage}")
        time.sleep(_LOOK_SECONDS)


def _is_inside(cell: Cell, records: Records, run_id: str) -> bool:
    seen = records.stage(run_id, cell.stage, cell.environment)
    if seen is None:
        return False
    if seen.status != "running":
        raise Missed(f"{cell.stage} of {run_id} was over when it was seen")
    if cell.stage == "train":
        return int(seen.progress.get("epoch", 0)) >= _EPOCHS_BEFORE
    if cell.stage == "approval":
        return records.waits_for_people(run_id) is not None
    return True


def _runs(cell: Cell, records: Records, run_id: str) -> bool:
    seen = records.stage(run_id, cell.stage, cell.environment)
    return seen is not None and seen.status == "running"
