"""Labels, in documents of the HTTP interface."""

from __future__ import annotations

from typing import TypedDict


class LabelsKept(TypedDict):
    """What became of labels that were sent."""

    new: int
    repeated: int
    changed: int


class LabelTable(TypedDict):
    """The table that a model's labels are read from."""

    watermark: str | None
    read_at: str | None
    rows: int
    refused: int
    problems: list[str]
    error: str
    away_since: str | None


class Labels(TypedDict):
    """The labels of a model: how many found the request that they are of."""

    waiting: int
    joined: int
    given_up: int
    changed: int
    newest: str | None
    table: LabelTable | None
