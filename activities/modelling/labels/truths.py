"""Labels, as people and systems write them, as what a model's answers are compared with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from perennial.values import text

if TYPE_CHECKING:
    from numpy.typing import NDArray

Value = bool | int | float | str

_TRUTHS = ({"0", "1"}, {"false", "true"})
_SAME = {"0": "false", "1": "true", "false": "0", "true": "1"}


def class_numbers(values: Sequence[Value], classes: Sequence[str]) -> NDArray[np.int64]:
    """The numbers of the classes that labels name; -1 where a label is no class.

    A label is the class of its text (`perennial.values.text`: 3, 3.0 and "3" are one); of numbers
    and truth values written as text any form is read ("1.0", "True"). Where both classes are truth
    values, 0 and 1 or false and true, a label may be written as the other pair.

    Args:
        values: of the labels.
        classes: of the model, by number.
    """
    numbers = {name: number for number, name in enumerate(classes)}
    seen: dict[tuple[type, Value], int] = {}
    for value in values:
        if (key := (type(value), value)) not in seen:
            named = (numbers[form] for form in _forms(value, classes) if form in numbers)
            seen[key] = next(named, -1)
    return np.array([seen[type(value), value] for value in values], dtype=np.int64)


def numbers(values: Sequence[Value]) -> NDArray[np.float64]:
    """Labels of a regression; NaN where one is no finite number. A truth value is none."""
    return np.array([_number(value) for value in values], dtype=np.float64)


def _forms(value: Value, classes: Sequence[str]) -> list[str]:
    """What a label may be called, what it says itself first."""
    forms = [text(value)]
    if isinstance(value, str):
        plain = value.strip()
        forms.append(plain)
        if plain.lower() in ("true", "false"):
            forms.append(plain.lower())
        elif math.isfinite(number := _number(plain)):
            forms.append(text(number))
    if set(classes) in _TRUTHS:
        forms += [_SAME[form] for form in forms if form in _SAME]
    return forms


def _number(value: Value) -> float:
    if isinstance(value, bool):
        return math.nan
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan
