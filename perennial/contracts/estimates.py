"""How well a model answers, as far as its own probabilities tell: estimated, not measured."""

from __future__ import annotations

from pydantic import Field

from perennial.contracts.base import Contract, Metrics


class EstimatedQuality(Contract):
    """What is to be expected of a classifier's answers before their labels come.

    It holds for a model whose probabilities are calibrated, and for changes in what it is asked; it
    cannot see that the same rows have other labels than they used to.

    Attributes:
        rows: with probabilities, which it follows from.
        skipped: without them, or with some that are none.
        metrics: expected value by the name of the evidence's metric. One that means nothing for
            these rows, such as precision where no row is called positive, is not there.
        deviation: of the accuracy that labels would show, from their chance alone.
    """

    rows: int = Field(ge=0)
    skipped: int = Field(default=0, ge=0)
    metrics: Metrics = Field(default_factory=dict)
    deviation: float | None = None
