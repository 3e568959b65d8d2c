"""Wishes to train a model again, what came of earlier ones, and what keeps them in check."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennial.contracts.base import Contract, Sha256, Utc
from perennial.contracts.spec_part import Duration, SpecPart

Cause = Literal["drift", "quality", "data", "schedule", "policy", "message", "request"]
Outcome = Literal["running", "promoted", "rejected", "failed"]
"""`rejected`: it was trained, and did not become champion."""

Rule = Literal["snapshot", "running", "failures", "storm", "back_off", "cooldown", "budget", "room"]
"""`room`: the limits allow it, and the model takes no run now (`concurrency`, a full queue)."""


class Wish(Contract):
    """Something asks for a model to be trained again.

    Attributes:
        model: that is to be.
        cause: what asks.
        snapshot: digest of the rows that it would be trained on, or of what names them: a window,
            a message.
        at: when it is asked.
        cpu_hours: that the run is expected to take, such as the last one took.
        gpu_hours: the same of GPUs.
    """

    model: str
    cause: Cause
    snapshot: Sha256
    at: Utc
    cpu_hours: float = Field(default=0.0, ge=0)
    gpu_hours: float = Field(default=0.0, ge=0)


class Retrain(Contract):
    """A run that trained the model again, whoever asked for it.

    Attributes:
        snapshot: digest of its rows, or of what named them when it was asked for.
        learnt: of the rows themselves, once it has a version of them.
        started: when.
        ended: when, once it has.
        outcome: of it.
        cpu_hours: that it took; while it is running, those expected.
        gpu_hours: the same of GPUs.
    """

    snapshot: Sha256
    learnt: Sha256 | None = None
    started: Utc
    ended: Utc | None = None
    outcome: Outcome = "running"
    cpu_hours: float = Field(default=0.0, ge=0)
    gpu_hours: float = Field(default=0.0, ge=0)


class RetrainLimits(SpecPart):
    """What keeps retraining in check."""

    cooldown: Duration = Field(default="24h", description="from the start of a run to the next one")
    runs: int = Field(default=8, ge=1, description="in any 30 days")
    cpu_hours: float | None = Field(
        default=None, gt=0, description="in any 30 days; without it as many as the runs take"
    )
    gpu_hours: float | None = Field(default=None, gt=0, description="the same of GPUs")
    back_off: Duration = Field(
        default="6h",
        description="after a run that did not end in a champion; twice as long after each further "
        "one",
    )
    failures: int = Field(
        default=3, ge=1, description="runs in a row without a champion, and a person is asked"
    )
    storm: int = Field(
        default=10, ge=1, description="models that may ask within an hour before a person is"
    )


class Governed(Contract):
    """What becomes of a wish.

    Attributes:
        decision: `allow`: train now. `wait`: not yet. `ask`: only if a person says so.
        rule: which limit spoke; none where the wish is allowed.
        until: for `wait`, from when on the same wish is allowed, if nothing else has happened;
            none where time alone changes nothing.
        reason: the sentence with the numbers.
    """

    decision: Literal["allow", "wait", "ask"]
    rule: Rule | None = None
    until: Utc | None = None
    reason: str
