"""Requests become columns again, however many rows each has."""

from __future__ import annotations

import numpy as np
import pytest

from perennial.contracts.serving import WHOLE, Variant
from serving.columns import Input
from serving.page_columns import columns
from serving.pages import Area, Page, Whose, areas_in
from tests.unit.serving.running import Put, deployment

INPUTS = (
    Input("size", ("size",), False),
    Input("pixels", ("p0", "p1", "p2"), False),
    Input("age", ("age",), False),
)


@pytest.mark.parametrize("alone", [True, False], ids=["alone", "among others"])
@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("rows", [[1] * 5, [3] * 4, [2, 1, 3], [7]])
def test_numbers_of_all_requests_stand_behind_each_other(
    put: Put, rows: list[int], answered: bool, alone: bool
) -> None:
    made = deployment(put)
    variant = Variant(name="champion", version=1, onnx=put(1), weight=WHOLE)
    area = Area(_memory())
    page, other = (
        Page(Whose(made, variant, c, INPUTS, ("late", "on time")), area) for c in (False, True)
    )
    numbers = np.random.default_rng(len(rows))
    kept: list[tuple[dict[str, np.ndarray], np.ndarray]] = []
    for at, count in enumerate(rows):
        inputs = {
            each.name: numbers.random((count, len(each.columns)), np.float32) for each in INPUTS
        }
        answer = numbers.random((count, 2), np.float32)
        kept.append((inputs, answer))
        known = None if at % 2 else b"customer-%d" % at
        for kept_on in (page,) if alone else (page, other):
            assert kept_on.keep(
                at, 0.5, count, False, b"id-%d" % at, known, inputs, answer if answered else None
            )
    found = columns(page)
    assert found.rows.tolist() == rows and found.at.tolist() == list(range(len(rows)))
    for each in INPUTS:
        expected = np.concatenate([inputs[each.name].ravel() for inputs, _ in kept])
        np.testing.assert_array_equal(found.inputs[each.name], expected)
    answers = np.concatenate([answer.ravel() for _, answer in kept]) if answered else np.array([])
    np.testing.assert_array_equal(found.answers, answers)
    assert found.request_ids.data == b"".join(b"id-%d" % at for at in range(len(rows)))
    assert (found.entities.sizes < 0).sum() == len(rows) // 2


def _memory() -> memoryview:
    return areas_in(bytearray(8192))[0].memory
