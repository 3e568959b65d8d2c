"""Two lanes to a model: what the arrival of a run does to those under way and those that wait.

Hotfixes go first, each lane in its order, one run at a time. A hotfix ends the run under way,
unless that is a hotfix too; nothing ends a hotfix but people. The rest is the spec's `concurrency`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from perennial.contracts.spec import Concurrency

MOST_WAITING = 100
"""In each lane."""


class Laned(Protocol):
    """A run, as far as its turn goes."""

    @property
    def hotfix(self) -> bool:
        """Which lane it is in."""


R = TypeVar("R", bound=Laned)


@dataclass(frozen=True)
class Arrival(Generic[R]):
    """What an arrival comes to.

    Attributes:
        refused: why the run is not taken at all: others are `busy` and the spec rejects, or the
            lane is `full`. Nothing else changes then.
        waiting: those that wait, itself among them; the next one first.
        dropped: those that waited and are no longer to start.
        ended: those under way that are to end.
    """

    waiting: tuple[R, ...]
    refused: Literal["", "busy", "full"] = ""
    dropped: tuple[R, ...] = ()
    ended: tuple[R, ...] = ()


def arrive(
    run: R, under_way: Sequence[R], waiting: Sequence[R], concurrency: Concurrency
) -> Arrival[R]:
    """Say what happens to every run when one more arrives.

    Args:
        run: that arrives.
        under_way: those that have started and not ended; also where they were told to end.
        waiting: the others, the next one first.
        concurrency: of the spec that counts for the run that arrives.
    """
    hotfixes = tuple(each for each in waiting if each.hotfix)
    others = tuple(each for each in waiting if not each.hotfix)
    slower = tuple(each for each in under_way if not each.hotfix)
    if not run.hotfix and concurrency == "reject" and (under_way or waiting):
        return Arrival(tuple(waiting), refused="busy")
    if run.hotfix:
        if len(hotfixes) >= MOST_WAITING:
            return Arrival(tuple(waiting), refused="full")
        return Arrival((*hotfixes, run, *others), ended=slower)
    if concurrency == "replace":
        return Arrival((*hotfixes, run), dropped=others, ended=slower)
    if len(others) >= MOST_WAITING:
        return Arrival(tuple(waiting), refused="full")
    return Arrival((*hotfixes, *others, run))
