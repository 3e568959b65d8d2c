"""What a model's graph is fed, input by input."""

from __future__ import annotations

from typing import NamedTuple


class Input(NamedTuple):
    """One input of the graph.

    Attributes:
        name: of the column, or of the vector.
        columns: what rows call its values: one name, or as many as the vector is wide.
        text: whether it takes text; else float32.
    """

    name: str
    columns: tuple[str, ...]
    text: bool
