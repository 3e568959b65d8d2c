"""Reading a table of labels, a bit at a time, and how far that is."""

from __future__ import annotations

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import Contract, Utc
from perennial.contracts.label_table import LabelTable

TOLD = 20
"""Rows that are no labels, of which it is said what is wrong: the newest ones."""


class LabelSource(Contract):
    """How far a model's table is read.

    Attributes:
        digest: of the table, as the spec describes it: another one is read from its beginning.
        watermark: of the newest row that was read.
        seen: names the state of its files that was read whole; empty of a database.
        read_at: when it was read last.
        rows: that were read, whatever became of them.
        refused: of them, those that are no labels.
        problems: what is wrong with them, the newest last.
        error: why it cannot be read now; empty where it can.
        away_since: when that was so for the first time.
    """

    digest: str
    watermark: Utc | None = None
    seen: str = ""
    read_at: Utc | None = None
    rows: int = Field(default=0, ge=0)
    refused: int = Field(default=0, ge=0)
    problems: tuple[str, ...] = ()
    error: str = ""
    away_since: Utc | None = None


class ReadLabels(Contract):
    """Keep what a model's table has of new labels."""

    model: str
    table: LabelTable


class LabelsRead(Contract):
    """What was found.

    Attributes:
        rows: that are new.
        refused: of them, those that are no labels.
        more: there are more, which are to be read at once.
        error: why the table cannot be read; it is tried again in the next round.
        away_since: when that was so for the first time; None where nobody has kept it.
    """

    rows: int = 0
    refused: int = 0
    more: bool = False
    error: str = ""
    away_since: Utc | None = None


@activity.defn(name="read_labels")
async def read_labels(input: ReadLabels) -> LabelsRead:
    """A table that is away is an answer, since the monitor goes on without it."""
    raise NotImplementedError
