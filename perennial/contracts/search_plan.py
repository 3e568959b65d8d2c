"""The part of a spec that says which hyper-parameters are looked for, and for how long."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from perennial.contracts.spec_part import Duration, SpecPart

OF_TRAINING = ("learning_rate", "batch_size")
"""Names in a space that are the training's own; all others are parameters of build()."""


class Dimension(SpecPart):
    """What one hyper-parameter may be: one of some values, or a number from a range."""

    values: tuple[bool | int | float | str, ...] | None = Field(default=None, min_length=1)
    min: float | None = None
    max: float | None = None
    log: bool = Field(default=False, description="drawn evenly by its logarithm")
    whole: bool = Field(default=False, description="a whole number")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.values is not None:
            if self.min is not None or self.max is not None or self.log or self.whole:
                raise ValueError("has values, and so no min, max, log or whole")
            return self
        if self.min is None or self.max is None or self.min >= self.max:
            raise ValueError("needs values, or min and max with min below max")
        if self.log and self.min <= 0:
            raise ValueError(f"is drawn by its logarithm, so min has to be above 0, not {self.min}")
        return self


class SearchPlan(SpecPart):
    """Trials on a part of the training rows; the best one's parameters train the candidate.

    The rows that the candidate is measured on are never seen by a trial.
    """

    space: dict[str, Dimension] = Field(
        min_length=1,
        max_length=50,
        description="by name: learning_rate, batch_size, or a parameter of the project's build()",
        examples=[{"hidden": {"values": [16, 64]}}],
    )
    trials: int = Field(default=20, ge=1, le=1000, description="at most")
    time: Duration = Field(
        default="1h", description="no trial begins or goes on after so much time of searching"
    )
    at_once: int | None = Field(
        default=None,
        ge=1,
        description="trials at a time; as many as the cluster holds unless given",
    )
    grace_epochs: int = Field(
        default=1, ge=1, description="epochs that every trial has before it may be stopped"
    )
    keep_one_in: int = Field(
        default=3, ge=2, description="ASHA: at each rung the best of so many goes on"
    )
