"""What a worker registers of an activity class."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

HEARTBEAT_EVERY = timedelta(seconds=1)
"""The longest a worker holds a heartbeat back. A cancellation reaches an activity with the answer
to a heartbeat, so this bounds how long a cancelled training keeps its CPUs; the default (0.8 of the
heartbeat time-out) made it 24 seconds."""


def methods(instance: object) -> list[Callable[..., Any]]:
    """The activities of a class: its methods that carry `@activity.defn`."""
    found = (getattr(instance, name) for name in dir(type(instance)))
    return [method for method in found if hasattr(method, "__temporal_activity_definition")]
