"""Kill in the middle of what follows for a champion that is watched.

A window and labels are hit with the records held: whatever was found out about them cannot be
kept. An alert is hit while its receiver has it and has not answered.
"""

from __future__ import annotations

import time

from infra.drill import victims
from infra.drill.hit import Hit, Missed
from infra.drill.plan import Cell
from infra.drill.receiver import Receiver
from infra.drill.records import Records
from infra.drill.watched import WatchedLife
from infra.stack import Stack


def hit_watched(
    stack: Stack,
    cell: Cell,
    life: WatchedLife,
    records: Records,
    receiver: Receiver,
    *,
    model: str,
    into: float,
    limit: float,
) -> Hit:
    """Live up to the cell's stage, and kill the cell's process in the middle of it.

    Args:
        stack: all of it ready.
        cell: what is killed, and when.
        life: of the model, just promoted.
        records: of the stack.
        receiver: of its alerts.
        model: its name.
        into: seconds from the stage's beginning to the kill.
        limit: seconds until an alert must have come.

    Raises:
        Missed: the stage was over already.
        TimeoutError: it did not begin.
    """
    if cell.stage == "alert":
        receiver.hold(model)
        life.begin("window")
        if not receiver.wait(limit):
            raise TimeoutError(f"no alert of {model} came in {limit:.0f} s")
        doomed = victims.find(stack, cell.process)
        at = time.monotonic()
        victims.kill(doomed)
        receiver.release()
    else:
        if cell.stage == "labels":
            life.live("window")
            life.live("alert")
        life.begin(cell.stage)
        doomed = victims.find(stack, cell.process)
        with records.holding():
            time.sleep(into)
            if life.is_over(cell.stage):
                raise Missed(f"{cell.stage} of {model} was over")
            at = time.monotonic()
            victims.kill(doomed)
    victims.see_gone(stack, cell.process, doomed)
    return Hit([process.pid for process in doomed], at)
