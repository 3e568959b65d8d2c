"""Requests become columns again, however many rows each has, and whoever kept them."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from perennial.contracts.serving import WHOLE, Variant
from serving import page_columns
from serving.columns import Input
from serving.page_columns import Numbers, columns
from serving.pages import Page, Whose
from tests.unit.serving.record_kinds import PIECES, RECORDS
from tests.unit.serving.running import Put, deployment

WIDE = tuple(f"w{number}" for number in range(130))
INPUTS = (
    Input("size", ("size",), False),
    Input("pixels", ("p0", "p1", "p2"), False),
    Input("wide", WIDE, False),
    Input("age", ("age",), False),
)


@pytest.mark.parametrize("pieces", PIECES)
@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("alone", [True, False], ids=["alone", "among others"])
@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("rows", [[1] * 5, [3] * 4, [2, 1, 3], [7]])
def test_numbers_of_all_requests_stand_behind_each_other(
    put: Put,
    rows: list[int],
    answered: bool,
    alone: bool,
    kind: ModuleType,
    pieces: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(page_columns, "joined", pieces.joined)
    monkeypatch.setattr(page_columns, "transposed", pieces.transposed)
    made = deployment(put)
    variant = Variant(name="champion", version=1, onnx=put(1), weight=WHOLE)
    area = kind.Area(bytearray(65536))
    records, others = kind.Records(area), kind.Records(area)
    numbers = np.random.default_rng(len(rows))
    kept: list[tuple[dict[str, np.ndarray], np.ndarray]] = []
    for at, count in enumerate(rows):
        inputs = {
            each.name: numbers.random((count, len(each.columns)), np.float32) for each in INPUTS
        }
        inputs["pixels"][-1, 1] = np.nan
        answer = numbers.random((count, 2), np.float32)
        kept.append((inputs, answer))
        known = None if at % 2 else b"customer-%d" % at
        for each in (records,) if alone else (records, others):
            assert each.keep(
                at, 0.5, False, b"id-%d" % at, known, inputs, answer if answered else None
            )
    found = columns(Page(Whose(made, variant, False, INPUTS, ("late", "on time")), records))
    assert found.rows.tolist() == rows and found.at.tolist() == list(range(len(rows)))
    for each in INPUTS:
        expected = np.concatenate([inputs[each.name] for inputs, _ in kept])
        there = found.inputs[each.name]
        if each.name == "wide":
            np.testing.assert_array_equal(there, expected.ravel())
        else:
            assert isinstance(there, Numbers)
            np.testing.assert_array_equal(there.values, expected.T)
            assert there.unknown.tolist() == [c == "p1" for c in each.columns]
    if answered:
        assert found.answers is not None
        answers = np.concatenate([answer for _, answer in kept])
        np.testing.assert_array_equal(found.answers.values, answers.T)
    else:
        assert found.answers is None
    assert found.request_ids.data == b"".join(b"id-%d" % at for at in range(len(rows)))
    assert (found.entities.sizes < 0).sum() == len(rows) // 2
