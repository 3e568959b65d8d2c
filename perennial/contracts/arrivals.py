"""Whether there is anything new to learn: asked before a model is trained again."""

from __future__ import annotations

from pydantic import Field
from temporalio import activity

from perennial.contracts.base import Contract, Sha256
from perennial.contracts.spec import ModelSpec, Source


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


class FindLearnt(Contract):
    """Whether a training would be one that there has been already.

    Attributes:
        snapshot: digest of the rows that it would learn from.
        spec: that it would follow.
    """

    model: str
    snapshot: Sha256
    spec: ModelSpec


class Learnt(Contract):
    """The newest version that a training from the same rows, code and plan has made, if any."""

    version: int | None = None


@activity.defn(name="find_new_rows")
async def find_new_rows(input: FindNewRows) -> NewRows:
    """Nothing is kept. Raises SourceInvalid, ProjectInvalid, Unavailable."""
    raise NotImplementedError


@activity.defn(name="find_learnt")
async def find_learnt(input: FindLearnt) -> Learnt:
    """Nothing is trained. Raises ProjectInvalid, Unavailable."""
    raise NotImplementedError
