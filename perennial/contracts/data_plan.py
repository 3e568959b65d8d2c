"""What a model's rows must show beyond its project's schema."""

from __future__ import annotations

from pydantic import Field

from perennial.contracts.spec_part import SpecPart


class LearntLimits(SpecPart):
    """How far the rows may be from the snapshot before, whose profile is the reference."""

    missing: float = Field(
        default=0.1, ge=0, le=1, description="how much the share of rows that miss a value may grow"
    )
    outside: float = Field(
        default=0.01,
        ge=0,
        le=1,
        description="the share of numbers that may be below the smallest or above the largest",
    )
    unknown: float = Field(
        default=0.05, ge=0, le=1, description="the share of categories that may be new"
    )
    rows: float = Field(
        default=0.5, ge=0, description="at least so many rows, as a share of those before"
    )


class DataPlan(SpecPart):
    """How rows are judged before a model learns from them."""

    learnt: LearntLimits | None = Field(
        default=None,
        description="limits learnt from the reference profile; without it rows may differ from "
        "those before as they like. `learnt: {}` takes the usual ones",
    )
    shared_rows: float | None = Field(
        default=None,
        ge=0,
        lt=1,
        description="the share of held-out rows that may be equal to rows that are trained on; "
        "without it they are counted and nothing is refused",
    )
    may_tell_target: tuple[str, ...] = Field(
        default=(),
        description="columns that are known before the target is, though they tell nearly all of "
        "it; any other such column is refused as a leak",
    )
