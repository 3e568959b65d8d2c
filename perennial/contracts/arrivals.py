"""Rows that have come since a model learnt last: asked of its source, before it is trained."""

from __future__ import annotations

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import Contract
from perennial.contracts.spec import Source


class FindNewRows(Contract):
    """Count what a source has of rows that no snapshot of the model holds."""

    model: str
    project: str
    source: Source


class NewRows(Contract):
    """What has come, by the source's watermark.

    Attributes:
        rows: above the watermark of the model's newest snapshot; all, where there is none.
        since: that watermark; empty where there is none.
        newest: the largest of the new ones; empty where there are none.
    """

    rows: int = Field(ge=0)
    since: str = ""
    newest: str = ""


@activity.defn(name="find_new_rows")
async def find_new_rows(input: FindNewRows) -> NewRows:
    """Nothing is kept. Raises SourceInvalid, ProjectInvalid, Unavailable."""
    raise NotImplementedError
