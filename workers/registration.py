"""What a worker registers of an activity class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def methods(instance: object) -> list[Callable[..., Any]]:
    """The activities of a class: its methods that carry `@activity.defn`."""
    found = (getattr(instance, name) for name in dir(type(instance)))
    return [method for method in found if hasattr(method, "__temporal_activity_definition")]
