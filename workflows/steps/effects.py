"""Effects that belong together: all of them are made, or none of them stays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from workflows.steps.ending import read_failure
from workflows.steps.run import Run, StageNotes

_FIRST_PAUSE = timedelta(seconds=1)
_LONGEST_PAUSE = timedelta(minutes=1)


@dataclass(frozen=True)
class Effect:
    """One change of the world, and what takes it back.

    Attributes:
        name: for people.
        do: makes it; may be delivered more than once.
        undo: takes it back, and says in a few words what it did ("" for nothing). It is called also
            when `do` failed, which may have done its work before, and again until it succeeds; so
            it must bear both.
    """

    name: str
    do: Callable[[], Awaitable[object]]
    undo: Callable[[], Awaitable[str]]


async def all_or_none(run: Run, notes: StageNotes, effects: Sequence[Effect]) -> None:
    """Make effects in order, within a stage of the run.

    When one fails, or the run is cancelled meanwhile, those before it and itself are undone in
    reverse order, for as long as it takes and whatever else asks the run to end; then the failure
    goes on. The stage's detail says of each what became of it.
    """
    begun: list[Effect] = []
    became: dict[str, str] = {}
    notes.detail = {"effects": became}
    try:
        for effect in effects:
            run.stop_if_cancelled()
            begun.append(effect)
            await effect.do()
            became[effect.name] = "done"
        run.stop_if_cancelled()
    except (Exception, asyncio.CancelledError):
        await shielded(_undo(run, begun, became))
        raise


async def _undo(run: Run, begun: list[Effect], became: dict[str, str]) -> None:
    for effect in reversed(begun):
        pause = _FIRST_PAUSE
        while True:
            try:
                what = await effect.undo()
                break
            except FailureError as error:
                became[effect.name] = f"being undone: {read_failure(error)[0]}"
                await run.show(f"undoing {effect.name}", effects=became)
                await workflow.sleep(pause, summary=f"undo {effect.name} again")
                pause = min(pause * 2, _LONGEST_PAUSE)
        if what:
            became[effect.name] = f"undone: {what}"
            await run.show(f"undoing {effect.name}", effects=became)
        else:
            became.pop(effect.name, None)
    if became:
        await run.show(f"undone: {', '.join(reversed(became))}", effects=became)


async def shielded(work: Coroutine[Any, Any, None]) -> None:
    """Wait for work to its end, however often the waiting is cancelled."""
    task = asyncio.ensure_future(work)
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
    task.result()
