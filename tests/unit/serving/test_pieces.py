"""Pieces of memory are put together, and none from elsewhere."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from tests.unit.serving.record_kinds import PIECES


@pytest.mark.parametrize("kind", PIECES)
def test_pieces_are_found_within_the_memory_alone(kind: ModuleType) -> None:
    memory = memoryview(np.arange(8, dtype=np.float32).tobytes())

    def of(*numbers: int) -> np.ndarray:
        return np.array(numbers, np.int64)

    assert kind.joined(memory, of(4, 0), of(4, 8)) == bytes(memory[4:8]) + bytes(memory[:8])
    assert kind.joined(memory, of(), of()) == b""
    values, unknown = kind.transposed(memory, of(16, 0), np.array([1, 2], np.int32), 2)
    assert values.tolist() == [[4, 0, 2], [5, 1, 3]] and unknown.tolist() == [False, False]
    for places, sizes in ((of(-1), of(1)), (of(0), of(33)), (of(30), of(3)), (of(0), of(-1))):
        with pytest.raises(ValueError, match="within the memory"):
            kind.joined(memory, places, sizes)
    for place, rows in ((-4, 1), (0, 5), (32, 1), (0, -1)):
        with pytest.raises(ValueError, match="within the memory"):
            kind.transposed(memory, of(place), np.array([rows], np.int32), 2)
