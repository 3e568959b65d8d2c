"""Wishes to train a model again, and what became of them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, ConfigDict, Field, StringConstraints

from api.schemas.base import Answer, Reasoned
from perennial.contracts.retraining import Cause, Rule

Decided = Literal["allow", "wait", "ask"]


class TriggerRequest(Reasoned):
    """Train a model again, if its limits allow."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"cause": "data", "snapshot": "flights/2013-04", "reason": "April is complete"},
                {},
            ]
        }
    )

    cause: Literal["request", "data"] = Field(
        default="request", description="`data`: new rows have arrived"
    )
    snapshot: (
        Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]*$")]
        | None
    ) = Field(
        default=None,
        description="a digest of the rows, or any text that names them, such as a partition: "
        "rows that were learnt already are not learnt again. Without it they are taken for new.",
    )


class TriggerDetail(Answer):
    """A wish, and what became of it."""

    trigger_id: str
    model: str
    cause: Cause
    actor: str
    reason: str = Field(description="why it was asked")
    snapshot: str
    at: AwareDatetime
    as_of: AwareDatetime | None = Field(description="rows as they were known then; none: as now")
    decision: Decided = Field(
        description="`allow`: a run follows. `wait`: not yet. `ask`: only if a person says so."
    )
    rule: Rule | None = Field(description="which limit spoke")
    until: AwareDatetime | None = Field(description="from when on the same wish is allowed")
    why: str = Field(description="the decision in words, with its numbers")
    run_id: str | None = Field(description="the run that followed")


class Hinted(Answer):
    """What becomes of a hint."""

    looks: bool = Field(description="the platform looks now")
    reason: str
