"""One reading of a category, in training and in serving."""

from __future__ import annotations

import math


def text(value: object) -> str:
    """A category or class as text: `3`, `3.0` and `"3"` are one, `true` is JSON's."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return str(value)
