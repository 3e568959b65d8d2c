"""What JSON has as numbers, as a model takes it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from serving.numbers import floats


def test_numbers_become_float32_and_what_is_not_known_nan() -> None:
    found = floats([1, 2.5, True, None, 0.1, 1e300, -1e300, 2**60])
    expected = [1, 2.5, 1, math.nan, 0.1, math.inf, -math.inf, 2**60]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.array(expected, dtype=np.float32))


@pytest.mark.parametrize("value", ["1", [1], {}, 10**400])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        floats([None, 1.0, value])
