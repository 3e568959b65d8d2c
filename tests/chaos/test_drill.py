"""A life goes on, whatever dies: what proves most of the drill. `make drill` does all of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from infra.drill.drill import Drill
from infra.drill.plan import EVERYTHING, Cell
from infra.stack import Stack

CELLS = [Cell("gate", "temporal"), Cell("train", EVERYTHING)]


@pytest.fixture(scope="module")
def drill(stack: Stack) -> Iterator[Drill]:
    drill = Drill(stack)
    yield drill
    drill.close()


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_a_life_comes_to_the_same_end(drill: Drill, cell: Cell) -> None:
    [result] = drill.settled(drill.run([cell]))
    assert result.green, result.differences
    assert result.seconds > 0
