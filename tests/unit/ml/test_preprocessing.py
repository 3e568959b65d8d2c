"""What is fitted, on which rows, and what an odd value becomes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from activities.modelling.models.preprocessing import Preprocessing, classes_of, truth_of
from activities.modelling.values import as_text
from perennial.authoring import Features

FEATURES = Features(
    target="y", numeric=["a", "flat"], categorical=["c"], vectors={"v": ["v0", "v1"]}
)


def rows() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "a": [1.0, 3.0, np.nan, 1e9],
            "flat": [7, 7, 7, 7],
            "c": ["x", None, "y", "new"],
            "v0": [0.0, 2.0, 1.0, 5.0],
            "v1": [True, False, True, True],
            "y": ["no", "yes", "yes", "no"],
        }
    )


def fitted() -> Preprocessing:
    return Preprocessing.fit(rows(), np.array([0, 1, 2]), FEATURES, "binary")


def test_figures_come_from_the_training_rows_alone() -> None:
    found = fitted()
    assert found.mean[0] == 2.0  # not the row that is held out, not the missing one
    assert found.categories == {"c": ("", "x", "y")}
    assert found.classes == ("no", "yes")


def test_missing_infinite_constant_and_unseen() -> None:
    odd = rows().assign(a=[np.nan, np.inf, -np.inf, 3.0])
    numbers, codes = fitted().apply(odd)
    assert numbers[:, 0].tolist() == [0.0, 0.0, 0.0, 1.0]
    assert numbers[:, 1].tolist() == [0.0] * 4  # a constant is not divided by nothing
    assert codes[:, 0].tolist() == [2, 1, 3, 0]  # x, missing (seen in training), y, unseen
    assert numbers.dtype == np.float32 and codes.dtype == np.int64


def test_shape_counts_the_unknown_code() -> None:
    shape = fitted().shape
    assert (shape.numbers, shape.categories, shape.outputs) == (4, (4,), 1)


def test_it_survives_as_json_and_equal_fits_have_equal_bytes() -> None:
    found = fitted()
    assert Preprocessing.read(found.to_bytes()) == found
    assert fitted().to_bytes() == found.to_bytes()


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([3, 4], ["3", "4"]),
        ([3.0, np.nan], ["3", ""]),
        ([2.5, -0.5], ["2.5", "-0.5"]),
        ([True, False], ["true", "false"]),
        (["3", None], ["3", ""]),
    ],
)
def test_one_text_for_one_value(values: list[object], texts: list[str]) -> None:
    assert as_text(pd.Series(values)).tolist() == texts


def test_classes_are_sorted_as_values_and_not_as_texts() -> None:
    target = pd.Series([10, 2, 9, 2])
    classes = classes_of(target)
    assert classes == ("2", "9", "10")
    assert truth_of(target, classes).tolist() == [2, 0, 1, 0]


def test_a_regression_scales_its_target() -> None:
    frame = rows().assign(y=[100.0, 300.0, 200.0, 5.0])
    found = Preprocessing.fit(frame, np.array([0, 1]), FEATURES, "regression")
    assert (found.target_mean, found.target_scale) == (200.0, 100.0)
    assert found.classes == () and found.shape.outputs == 1
