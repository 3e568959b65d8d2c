"""Rows as people write them: read as in training, or refused with their number."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from serving.errors import BadRow, RequestRefused, TooLarge
from serving.model import Model
from serving.rows import to_inputs
from tests.unit.serving.conftest import graph

GOOD = {"size": 1.5, "colour": "red", "p0": 1, "p1": 2, "p2": 3, "not asked for": {}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return Model(graph(0.0, tmp_path_factory.mktemp("model") / "m.onnx"))


def test_columns_become_inputs(model: Model) -> None:
    inputs = to_inputs(model, [GOOD, {**GOOD, "size": None, "colour": None}], most=2)
    assert inputs["size"].dtype == inputs["pixels"].dtype == np.float32
    assert inputs["pixels"].tolist() == [[1, 2, 3]] * 2
    assert inputs["colour"].tolist() == [["red"], [""]]
    assert inputs["size"][0, 0] == 1.5 and np.isnan(inputs["size"][1, 0])
    assert model.answer(inputs).shape == (2, 2)


@pytest.mark.parametrize(
    ("value", "read"), [("red", "red"), (3, "3"), (3.0, "3"), (True, "true"), (2.5, "2.5")]
)
def test_a_category_is_read_as_in_training(model: Model, value: Any, read: str) -> None:
    assert to_inputs(model, [{**GOOD, "colour": value}], 9)["colour"].tolist() == [[read]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"size": "12"}, "row 1, column 'size': '12' is not a number or null"),
        ({"size": [1]}, "row 1, column 'size'"),
        ({"p1": {}}, "row 1, column 'p1'"),
        ({"colour": ["red"]}, "row 1, column 'colour'"),
    ],
)
def test_a_value_of_another_kind_is_named(model: Model, change: Any, said: str) -> None:
    with pytest.raises(BadRow) as caught:
        to_inputs(model, [GOOD, {**GOOD, **change}, {**GOOD, **change}], 9)
    assert said in caught.value.message and caught.value.row == 1


@pytest.mark.parametrize("column", ["size", "colour", "p2"])
def test_a_missing_column_is_named(model: Model, column: str) -> None:
    row = {name: value for name, value in GOOD.items() if name != column}
    with pytest.raises(BadRow, match=f"row 1 has no column '{column}'; give null"):
        to_inputs(model, [GOOD, row], 9)


@pytest.mark.parametrize("rows", [None, {}, [], "rows", 7])
def test_what_is_no_list_of_rows_is_refused(model: Model, rows: Any) -> None:
    with pytest.raises(RequestRefused, match="must be a list of one row or more"):
        to_inputs(model, rows, 9)


def test_a_row_that_is_no_object_is_named(model: Model) -> None:
    with pytest.raises(BadRow, match="row 1 is no object"):
        to_inputs(model, [GOOD, [1, 2]], 9)


def test_more_rows_than_are_taken_are_refused(model: Model) -> None:
    with pytest.raises(TooLarge, match="3 rows are more than the 2"):
        to_inputs(model, [GOOD] * 3, 2)
