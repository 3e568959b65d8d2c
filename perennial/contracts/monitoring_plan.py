"""How a champion is watched once it answers: the windows, what is measured, and how often."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from perennial.contracts import cron
from perennial.contracts.drift import Band, DriftLimits, LastingPlan
from perennial.contracts.label_table import LabelTable
from perennial.contracts.retraining import RetrainLimits
from perennial.contracts.spec_part import Duration, Environment, SpecPart, duration

Clock = Literal["wall", "events"]
RetrainCause = Literal["drift", "quality"]
Reference = Literal["training", "rolling"]


class QualityPlan(SpecPart):
    """How much worse than promised at its promotion a champion may answer.

    A metric that the spec does not name has no limit of its own; the primary one always has.
    """

    rows: int = Field(default=200, ge=1, description="with labels; with fewer nothing is judged")
    coverage: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="the part of a window's rows that must have labels before it is judged",
    )
    worse: Band = Field(
        default=Band(warn=0.02, alert=0.05),
        description="how much worse than promised the primary metric may be, in its own unit",
    )
    limits: dict[str, Band] = Field(
        default_factory=dict,
        description="the same of other metrics, by name. A project's own are better larger",
    )
    concept: Band | None = Field(
        default=Band(warn=0.1, alert=0.25),
        description="how much larger than at first its mean error may become once labels show that "
        "it changed, as a part of what it was (0.25: a quarter more); none: not judged",
    )
    within: Duration = Field(default="30d", description="how long labels are waited for")
    groups: tuple[str, ...] = Field(
        default=(), max_length=8, description="columns by whose values it is measured, too"
    )


class MonitoringPlan(SpecPart):
    """Windows of requests, judged one after another for as long as there is a champion."""

    environments: tuple[Environment, ...] = Field(default=("production",), min_length=1)
    window: Duration = Field(default="1h", description="length; windows do not overlap")
    lateness: Duration = Field(
        default="1m", description="how long after its end a window waits for what comes late"
    )
    clock: Clock = Field(
        default="wall",
        description="wall: a window ends by the clock. events: once requests of a later hour are "
        "in the log, for what is scored in batches or sent again",
    )
    catch_up: int = Field(
        default=24,
        ge=1,
        le=1000,
        description="the most windows that are judged after a standstill; older ones are passed "
        "over, and said to be",
    )
    reference: Reference = Field(
        default="training",
        description="what windows are compared with. training: the rows that the champion learnt "
        "from. rolling: its own newest windows, so that what changes slowly is no drift",
    )
    reference_windows: int = Field(
        default=7,
        ge=1,
        le=60,
        description="of `rolling`: so many windows with requests; until there are, nothing is "
        "judged. Take a whole round of the calendar: 7 of a day, 24 of an hour",
    )
    drift: DriftLimits = DriftLimits()
    segments: tuple[str, ...] = Field(
        default=(), max_length=8, description="columns by whose values drift is measured, too"
    )
    quality: QualityPlan | None = Field(default=QualityPlan(), description="none: no labels come")
    labels: LabelTable | None = Field(
        default=None, description="a table that labels are read from, beside those that are sent"
    )
    lasting: LastingPlan = LastingPlan()
    armed: Duration | None = Field(
        default=None,
        description="how long after it became champion one whose labels fail is rolled back rather "
        "than trained again; without it as long as rollout.guard says, where there is a rollout",
    )
    dry_run: bool = Field(
        default=False, description="decisions are made and kept, and nothing is done about them"
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.environments)) != len(self.environments):
            raise ValueError("monitoring.environments must not name one twice")
        if duration(self.window).total_seconds() < 10:
            raise ValueError(f"monitoring.window {self.window} is shorter than 10s")
        if "segments" in self.drift.also and not self.segments:
            raise ValueError(
                "monitoring.drift.also names segments, and monitoring.segments no column"
            )
        if self.labels is not None and self.quality is None:
            raise ValueError("monitoring.labels are for monitoring.quality, which is null")
        return self


class RetrainPlan(RetrainLimits):
    """When a model is trained again by itself, and what keeps that in check."""

    on: tuple[RetrainCause, ...] = Field(
        default=("drift", "quality"), description="which verdicts may lead to it"
    )
    schedule: str | None = Field(
        default=None,
        description="cron expression in UTC, or an interval, at which it is trained whatever the "
        "verdicts",
        examples=["0 4 * * MON", "@every 36h"],
    )
    new_rows: int | None = Field(
        default=None,
        ge=1,
        description="at the times of `schedule`, only where the source has so many rows that no "
        "snapshot of the model holds, by source.watermark",
    )

    @field_validator("schedule")
    @classmethod
    def _is_cron(cls, schedule: str | None) -> str | None:
        if schedule is not None:
            cron.parse(schedule)
        return schedule

    @model_validator(mode="after")
    def _looks_at_times(self) -> Self:
        if self.new_rows is not None and self.schedule is None:
            raise ValueError(
                "retraining.new_rows are looked for at the times of retraining.schedule: add one, "
                'such as "0 * * * *"'
            )
        return self
