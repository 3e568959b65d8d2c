"""A request is kept as the same bytes by C and by Python, or not at all."""

from __future__ import annotations

import shutil
import sysconfig
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from serving import pieces, plain_pieces, plain_records, records
from serving.answering import Turn
from tests.unit.serving.record_kinds import RECORDS

ROW = {"x": np.ones((1, 3), np.float32)}
ANSWER = np.ones((1, 2), np.float32)


def turn(**more: Any) -> Turn:
    said = {"named": True, "began": 3.0, "request_id": b"mine", "entity": b"me"} | more
    others: Any = dict.fromkeys(Turn._fields)  # which nothing of this looks at
    return Turn(**(others | said))


def test_c_is_used_where_there_is_a_compiler() -> None:
    """Or else it could not be built, which `make setup` says too."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    built = (
        records.Records is not plain_records.Records and pieces.joined is not plain_pieces.joined
    )
    assert built or shutil.which(compiler) is None


texts = some.text(some.characters(), max_size=8)  # half pairs of surrogates too


@given(
    rows=some.integers(0, 3),
    data=some.data(),
    entity=some.none() | some.binary(max_size=9),
    request_id=some.binary(max_size=40),
    answered=some.booleans(),
)
def test_both_keep_the_same_bytes(
    rows: int, data: some.DataObject, entity: bytes | None, request_id: bytes, answered: bool
) -> None:
    numbers = arrays(np.float32, (rows, 400))
    inputs: dict[str, Any] = {"x": data.draw(numbers)}
    for number in range(data.draw(some.integers(0, 9))):
        inputs[f"t{number}"] = np.array(
            data.draw(some.lists(texts, min_size=rows, max_size=rows)), dtype=object
        ).reshape(rows, 1)
    answer = data.draw(arrays(np.float32, (rows, 2))) if answered else None
    found = []
    for kind in (each.values[0] for each in RECORDS):
        area = cast(ModuleType, kind).Area(bytearray(1 << 16), 1)
        mine = cast(ModuleType, kind).Records(area)
        for at in (1.5, -2.5):
            assert mine.keep(at, 0.25, True, request_id, entity, inputs, answer)
        assert mine.area is area and area.number == 1 and mine.rows == 2 * rows
        found.append((bytes(area.memory[: area.used]), mine.starts, mine.sizes))
    assert all(each == found[0] for each in found)


@pytest.mark.parametrize("kind", RECORDS)
def test_a_turn_is_taken_as_it_is_kept(kind: ModuleType) -> None:
    taken, kept = kind.Area(bytearray(4096)), kind.Area(bytearray(4096))
    taking, keeping = kind.Records(taken, 10.0), kind.Records(kept)
    assert taking.take(turn(), 0.5, ROW, ANSWER)
    taking.until = 2.0
    assert taking.take(turn(at=1.5, entity=None), 0.5, ROW, ANSWER)
    assert keeping.keep(13.0, 0.5, True, b"mine", b"me", ROW, ANSWER)
    assert keeping.keep(1.5, 0.5, True, b"mine", None, ROW, ANSWER)
    assert bytes(taken.memory) == bytes(kept.memory) and taken.used == kept.used > 0


@pytest.mark.parametrize("kind", RECORDS)
def test_what_needs_more_is_left_to_others(kind: ModuleType) -> None:
    area = kind.Area(bytearray(200))  # three requests are less than it, four are more
    mine = kind.Records(area)
    assert not mine.take(turn(at=1.0), 0.5, ROW, ANSWER), "of an hour that nobody told of"
    mine.until = 2.0
    assert not mine.take(turn(at=2.0), 0.5, ROW, ANSWER)
    assert area.used == mine.rows == 0
    for _ in range(3):
        assert mine.take(turn(), 0.5, ROW, ANSWER)
    used = area.used
    assert not mine.take(turn(), 0.5, ROW, ANSWER), "no room"
    assert not mine.keep(0.0, 0.5, True, b"mine", None, ROW, ANSWER), "no room"
    assert (area.used, mine.rows, len(mine.starts)) == (used, 3, 3 * 4)


@pytest.mark.parametrize("kind", RECORDS)
def test_inputs_are_as_many_as_there_are(kind: ModuleType) -> None:
    area = kind.Area(bytearray(1 << 16))
    inputs = {f"x{number}": np.full((2, 1), number, np.float32) for number in range(2000)}
    assert kind.Records(area).keep(0.0, 0.5, True, b"", None, inputs, None)
    found = np.frombuffer(area.memory[25 : area.used], np.float32)
    assert (found == np.repeat(np.arange(2000), 2)).all()
    area.clear()
    assert area.used == 0 and kind.Records(area).take(turn(), 0.5, ROW, ANSWER)


@pytest.mark.parametrize("count", [1, 5000], ids=["one", "many"])
@pytest.mark.parametrize("kind", RECORDS)
def test_an_area_is_shared(kind: ModuleType, count: int) -> None:
    area = kind.Area(bytearray(1 << 20))
    one, two = kind.Records(area), kind.Records(area)
    for _ in range(count):
        assert one.keep(0.0, 0.5, True, b"one", None, ROW, None)
        assert two.keep(0.0, 0.5, True, b"second", None, ROW, None)
    starts = [np.frombuffer(each.starts, np.uint32) for each in (one, two)]
    sizes = [np.frombuffer(each.sizes, np.uint32) for each in (one, two)]
    assert (starts[0] + sizes[0] == starts[1]).all() and (sizes[1] - sizes[0] == 3).all()
    assert int(starts[1][-1] + sizes[1][-1]) == area.used


class TestC:
    """What Python refuses by itself."""

    @pytest.mark.parametrize(
        "wrong",
        [
            {"request_id": "text"},
            {"entity": "text"},
            {"inputs": [1]},
            {"inputs": {"x": [1.0]}},
            {"inputs": {"x": np.ones((2, 2), np.float64)}},
            {"inputs": {"x": np.ones((2, 2), np.float32).T}},
            {"inputs": {"x": np.array([["a"], [1]], dtype=object)}},
            {"inputs": {"x": np.empty((1, 1), dtype=object)}},
            {"inputs": {"y": np.array([["a"]], dtype=object)} | {"x": None}},
            {"answer": np.ones((1, 2), np.int32)},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("kind", RECORDS[1:])
    def test_what_is_no_request_is_refused(self, kind: ModuleType, wrong: dict[str, Any]) -> None:
        area = kind.Area(bytearray(4096))
        said = {"request_id": b"", "entity": None, "inputs": ROW, "answer": None} | wrong
        with pytest.raises(TypeError):
            kind.Records(area).keep(at=0.0, seconds=0.5, named=True, **said)
        assert area.used == 0

    @pytest.mark.parametrize("kind", RECORDS[1:])
    def test_what_is_no_turn_is_refused(self, kind: ModuleType) -> None:
        mine = kind.Records(kind.Area(bytearray(4096)))
        for wrong in ((), (1,) * 8, [None] * 9, turn(began="now"), turn(request_id=None)):
            with pytest.raises(TypeError):
                mine.take(wrong, 0.5, ROW, ANSWER)
        with pytest.raises(TypeError):
            mine.take(turn(), 0.5, ROW)
        with pytest.raises(TypeError):
            kind.Records.__new__(kind.Records).take(turn(), 0.5, ROW, ANSWER)
        with pytest.raises(TypeError):
            kind.Records(bytearray(9))
        with pytest.raises(BufferError):
            kind.Area(b"read only")
