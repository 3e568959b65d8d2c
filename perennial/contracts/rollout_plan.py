"""How a new version earns its traffic: the steps, what is watched, and how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from perennial.contracts.serving import WHOLE
from perennial.contracts.spec_part import Duration, Environment, SpecPart, duration

Strategy = Literal["canary", "blue-green", "ab", "dark", "shadow"]


class RolloutStep(SpecPart):
    """A share of the requests, and how long it is watched before the next one.

    A number alone is a share with the usual hold.
    """

    model_config = ConfigDict(json_schema_extra={"type": ["object", "number"]})

    percent: float = Field(
        ge=0, le=100, description="of the requests that the new version answers; 0: testers' only"
    )
    shadow: float = Field(
        default=0,
        ge=0,
        le=100,
        description="of the champion's requests that the new version answers too, for nobody: the "
        "two answers are compared, and the caller gets the champion's",
    )
    hold: Duration = "10m"

    @model_validator(mode="before")
    @classmethod
    def _number(cls, step: object) -> object:
        return {"percent": step} if type(step) in (int, float) else step

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.percent and self.shadow:
            raise ValueError(
                f"a step has a share or copies, and here are {self.percent:g} % and "
                f"{self.shadow:g} %: make two steps of it"
            )
        return self

    @property
    def weight(self) -> int:
        """The share as the data plane counts it."""
        return round(self.percent * WHOLE / 100)

    @property
    def copied(self) -> int:
        """The part that is copied, as the data plane counts it."""
        return round(self.shadow * WHOLE / 100)

    @property
    def described(self) -> str:
        """The step in a few words."""
        return f"{self.part} for {self.hold}"

    @property
    def part(self) -> str:
        """The share, or the copies."""
        return f"copies of {self.shadow:g} %" if self.shadow else f"{self.percent:g} %"


class Limit(SpecPart):
    """What the new version may do more often than its control, and how many requests it takes."""

    allowed: float = Field(
        default=0.01, ge=0, lt=1, description="how much larger its share may be, from 0 to 1"
    )
    requests: int = Field(default=200, ge=1, description="of each side before it may pass")


class SlowLimit(Limit):
    """A limit on slow requests. A share, since p99 under 100 ms is 1 % slower than 100 ms."""

    seconds: float = Field(default=0.1, gt=0, description="a request that takes longer is slow")


class DisagreementLimit(Limit):
    """How many rows of copies may be answered otherwise than the champion answered them."""

    allowed: float = Field(default=0.1, ge=0, lt=1, description="their share, from 0 to 1")
    tolerance: float = Field(
        default=0.1,
        ge=0,
        description="of a model that predicts numbers: by how much of the champion's number "
        "another one may be off and still agree",
    )


class QualityLimit(Limit):
    """How many of the requests that have a label may be answered wrongly.

    Of a request with several labelled rows one is judged: rows of one request resemble each other,
    and a test that took them for independent would call off versions that are no worse.
    """

    allowed: float = Field(
        default=0.02, ge=0, lt=1, description="how much larger its share may be, from 0 to 1"
    )
    requests: int = Field(
        default=200, ge=1, description="of each side that have a label before it may pass"
    )
    tolerance: float | None = Field(
        default=None,
        gt=0,
        description="of a model that predicts numbers, which needs it: an answer that is off by "
        "more than this, in the label's own unit, is wrong",
    )
    from_percent: float = Field(
        default=0,
        ge=0,
        lt=100,
        description="steps with a smaller share do not wait for labels, nor do copies where this "
        "is more than 0; they still fail by them",
    )
    every: Duration = Field(default="1m", description="how often labels are looked for")

    @property
    def hit(self) -> str:
        """What is counted, in words."""
        return "wrong answers" if self.tolerance is None else f"off by over {self.tolerance:g}"


class Guardrails(SpecPart):
    """What a version is judged by while it is rolled out."""

    errors: Limit | None = Limit()
    slow: SlowLimit | None = SlowLimit()
    saturation: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="the part of its time that a process of the data plane may be busy; beyond it, "
        "and where one has turned requests away (429), no step passes, since there is no room for "
        "a larger share",
    )
    disagreement: DisagreementLimit | None = Field(
        default=DisagreementLimit(), description="judged in steps of copies only"
    )
    answers: Limit | None = Field(
        default=None,
        description="how many of its answers may be others than the control's, from 0 to 1",
    )
    quality: QualityLimit | None = Field(
        default=None, description="by labels that come while it is rolled out; needs a request_log"
    )

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if not any((self.errors, self.slow, self.answers, self.quality)):
            raise ValueError(
                "a rollout without a guardrail would judge nothing: leave one of errors, slow, "
                "answers and quality; disagreement is for copies only"
            )
        by_labels_alone = not any((self.errors, self.slow, self.answers))
        if by_labels_alone and self.quality is not None and self.quality.from_percent:
            raise ValueError(
                f"steps below {self.quality.from_percent:g} % wait for no labels, and nothing else "
                f"would judge them: leave one of errors, slow and answers, or quality.from_percent "
                f"out"
            )
        return self


_STEPS: dict[Strategy, tuple[RolloutStep, ...]] = {
    "canary": tuple(RolloutStep(percent=percent, hold="10m") for percent in (1, 5, 25, 50)),
    "blue-green": (RolloutStep(percent=0, hold="1m"),),
    "ab": (RolloutStep(percent=50, hold="7d"),),
    "dark": (RolloutStep(percent=0, hold="1d"),),
    "shadow": (RolloutStep(percent=0, shadow=10, hold="1h"),),
}


class RolloutPlan(SpecPart):
    """Steps from the champion to a new version, each judged before the next."""

    strategy: Strategy = Field(
        default="canary",
        description="canary: growing shares. ab: one share for a fixed time, and a decision. "
        "blue-green: loaded everywhere, then all at once. dark: answers testers only for a while. "
        "shadow: answers copies of the champion's requests, for nobody, and is compared with it",
    )
    environments: tuple[Environment, ...] = Field(default=("production",), min_length=1)
    steps: tuple[RolloutStep, ...] = Field(
        default=(),
        description="empty: the usual ones of the strategy; 100 % follows the last",
    )
    guardrails: Guardrails = Guardrails()
    entity: str | None = Field(
        default=None,
        description="header or field whose value decides who answers, so that one customer always "
        "gets the same version; without it every request is decided anew",
    )
    interval: Duration = Field(default="10s", description="how often it is judged")
    longest_hold: Duration = Field(
        default="1d",
        description="how long a step may stay without a verdict beyond its hold; then people are "
        "asked. Time never promotes",
    )
    alpha: float = Field(
        default=0.05,
        gt=0,
        le=0.5,
        description="how often a version that is no worse may be called off, over all looks",
    )
    guard: Duration = Field(
        default="7d", description="how long it is watched, and rolled back, after 100 %"
    )

    @field_validator("steps")
    @classmethod
    def _without_all(cls, steps: tuple[RolloutStep, ...]) -> tuple[RolloutStep, ...]:
        """Who lists 100 % as the last one says what is so anyway."""
        if (
            len(steps) > 1
            and steps[-1].percent == 100
            and steps[-1].model_fields_set == {"percent"}
        ):
            steps = steps[:-1]
        if any(step.percent == 100 for step in steps):
            raise ValueError(
                "100 % is no step that is judged: it follows the last one by itself, and `guard` "
                "says for how long it is watched"
            )
        return steps

    @model_validator(mode="after")
    def _fits_its_strategy(self) -> Self:
        percents = [step.percent for step in self.taken]
        copies = [step.shadow for step in self.taken]
        if self.strategy in ("blue-green", "dark", "shadow"):
            if any(percents):
                raise ValueError(
                    f"{self.strategy} has steps of 0 % only; canary is the strategy of shares"
                )
            if self.strategy == "shadow" and not all(copies):
                raise ValueError("shadow has steps of copies only; give each one `shadow`")
            if self.strategy != "shadow" and any(copies):
                raise ValueError(f"{self.strategy} has no copies; shadow and canary may have some")
        elif percents[0] == 0 and len(percents) == 1:
            raise ValueError(f"{self.strategy} needs a step of more than 0 %; dark has none")
        if self.strategy == "ab" and (len(percents) != 1 or percents[0] > 50):
            raise ValueError("ab has one step, of 50 % at most: the control gets as much")
        quality = self.guardrails.quality
        if quality is not None and quality.from_percent > max(percents):
            raise ValueError(
                f"guardrails.quality waits for labels from {quality.from_percent:g} % on, and no "
                f"step has as much: {self.described}"
            )
        if percents != sorted(percents):
            raise ValueError(f"steps grow from one to the next, but here: {self.described}")
        return self

    @property
    def taken(self) -> tuple[RolloutStep, ...]:
        """The steps, or the usual ones of the strategy."""
        return self.steps or _STEPS[self.strategy]

    @property
    def described(self) -> str:
        """The steps in one line."""
        return ", ".join([*(step.described for step in self.taken), "100 %"])

    @property
    def limits(self) -> tuple[Limit, ...]:
        """All that it is judged by, in one step or another."""
        rails = self.guardrails
        compared = rails.disagreement if any(step.shadow for step in self.taken) else None
        all_of_them = (rails.errors, rails.slow, rails.answers, rails.quality, compared)
        return tuple(limit for limit in all_of_them if limit is not None)

    @property
    def tolerance(self) -> float:
        """By how much numbers may differ and still agree."""
        compared = self.guardrails.disagreement
        return DisagreementLimit().tolerance if compared is None else compared.tolerance

    @property
    def expected(self) -> timedelta:
        """From the first step to 100 %, if every verdict is there when its hold is over."""
        return sum((duration(step.hold) for step in self.taken), timedelta())

    @property
    def worst(self) -> timedelta:
        """The same where every verdict is late, and before people are asked."""
        return self.expected + len(self.taken) * duration(self.longest_hold)
