"""A life goes on, whatever dies: one cell of the drill kills all. `make drill` does the rest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.drill.drill import Drill
from infra.drill.plan import EVERYTHING, Cell
from infra.drill.receiver import Receiver
from infra.stack import Stack


@pytest.fixture(scope="module")
def drill(stack: Stack) -> Iterator[Drill]:
    receiver = Receiver()  # no alert comes: the stack that the tests share has no channels
    drill = Drill(stack, receiver)
    yield drill
    drill.close()
    receiver.close()


def test_a_life_comes_to_the_same_end_though_everything_dies(drill: Drill) -> None:
    [result] = drill.settled(drill.run([Cell("train", EVERYTHING)]))
    assert result.green, result.differences
    assert result.seconds > 0
