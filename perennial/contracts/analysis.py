"""What is counted of a challenger and of its control, and what is made of it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from perennial.contracts.base import Contract

Verdict = Literal["pass", "fail", "inconclusive", "error", "no_data"]
"""Only `pass` lets a rollout go on. What is not known never passes."""


class Counted(Contract):
    """Requests, and how many of them were hits: failed, were too slow, were answered wrongly."""

    requests: int = Field(default=0, ge=0)
    hits: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.hits > self.requests:
            raise ValueError(f"{self.hits} hits in {self.requests} requests")
        return self

    def __add__(self, other: Counted) -> Counted:
        """Both together."""
        return Counted(requests=self.requests + other.requests, hits=self.hits + other.hits)

    @property
    def share(self) -> float:
        """Hits of all requests; 0 where there are none."""
        return self.hits / self.requests if self.requests else 0.0


class Guardrail(Contract):
    """Something that a challenger must not do more often than its control.

    Attributes:
        name: what a hit is, as in "errors" or "slower than 80 ms".
        allowed: how much larger its share may be, from 0 to 1. Less than that is never a failure,
            however certain it is.
        requests: of each side before it may pass.
    """

    name: str
    allowed: float = Field(default=0.0, ge=0, lt=1)
    requests: int = Field(default=200, ge=1)


class Comparison(Contract):
    """All that was counted of a challenger beside its control, and the evidence it gives.

    Attributes:
        control: so far.
        challenger: so far.
        bets: the logarithm of what each bet of `perennial.analysis.comparing` has become.
        most: the logarithm of the most evidence that there has been against the challenger.
    """

    control: Counted = Counted()
    challenger: Counted = Counted()
    bets: tuple[float, ...] = ()
    most: float = 0.0


class Lone(Contract):
    """Counts with no control beside them, and the evidence that they are beyond a bound.

    Attributes:
        counted: so far.
        bets: the logarithm of what each bet of `perennial.analysis.guarding` has become.
        most: the logarithm of the most evidence that there has been.
    """

    counted: Counted = Counted()
    bets: tuple[float, ...] = ()
    most: float = 0.0


class Split(Contract):
    """How requests were divided between variants, and the evidence that it was not as meant.

    Attributes:
        counts: requests of each variant so far.
        evidence: its logarithm now.
        most: the largest it has been.
    """

    counts: tuple[int, ...] = ()
    evidence: float = 0.0
    most: float = 0.0


class Drift(Contract):
    """Answers of both sides by category, and the evidence that they differ.

    Attributes:
        control: its answers so far, by category.
        challenger: the same.
        evidence: its logarithm now.
        most: the largest it has been.
    """

    control: tuple[int, ...] = ()
    challenger: tuple[int, ...] = ()
    evidence: float = 0.0
    most: float = 0.0


class Assessment(Contract):
    """A verdict, and the sentence with the numbers that it follows from."""

    verdict: Verdict
    reason: str
