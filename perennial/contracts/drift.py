"""How a window of requests differs from a reference, the limits on it, and what is made of it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from perennial.contracts.analysis import Assessment, Verdict
from perennial.contracts.base import BlobRef, Contract, Utc
from perennial.contracts.spec_part import SpecPart

Kind = Literal["number", "text", "nothing", "other"]
"""What most known values of a column are; `nothing` where none is known."""

Measure = Literal[
    "psi",
    "jensen_shannon",
    "ks",
    "total_variation",
    "missing",
    "out_of_range",
    "unknown",
]

Severity = Literal["none", "low", "high", "critical"]

Heard = Literal["segments", "together"]
"""What a window may be judged by besides: its parts by the values of columns; all its columns at
once, by the domain classifier."""


class Side(Contract):
    """A column on one side of a comparison.

    Attributes:
        rows: of the profile, with those that miss a value.
        missing: the share of them that does, from 0 to 1. The empty text is a missing value, as
            it is to a model.
    """

    rows: int = Field(default=0, ge=0)
    missing: float = Field(default=0.0, ge=0, le=1)

    @property
    def known(self) -> int:
        """Rows with a value."""
        return round(self.rows * (1 - self.missing))


class Bin(Contract):
    """A part of a column's values, and which share of the known ones is in it.

    Attributes:
        label: for people.
        low: of a number, in the bin itself; without one the bin is open below.
        high: of a number, not in the bin; without one the bin is open above.
        reference: share from 0 to 1.
        window: share from 0 to 1.
    """

    label: str
    low: float | None = None
    high: float | None = None
    reference: float
    window: float


class ColumnDrift(Contract):
    """One column of a window beside its reference. What cannot be measured is None.

    Attributes:
        column: its name.
        kind: as what it was compared.
        problem: why its values could not be compared, where that is so.
        reference: rows and what is missing of them.
        window: the same.
        bins: what `psi`, `jensen_shannon` and `total_variation` follow from; of those that are
            empty on both sides there is none.
        psi: population stability index over the bins; 0 or more, without an upper end.
        chance: the index that so many rows show on average where nothing has changed.
        jensen_shannon: distance over the bins, from 0 to 1.
        ks: of numbers, Kolmogorov and Smirnov's largest difference between both distribution
            functions, from 0 to 1.
        total_variation: of text, the share of values that are others, over the bins, from 0 to 1.
        out_of_range: of numbers, the share below the reference's smallest or above its largest.
        unknown: of text, the share of values that the reference does not hold.
        unknown_chance: the largest such share that may be where nothing has changed: names without
            end bring new ones every day.
        new: of text, the most frequent values that the reference does not hold, ten at most.
        vanished: of text, values with a bin of their own that the window does not hold.
    """

    column: str
    kind: Kind
    problem: str | None = None
    reference: Side = Side()
    window: Side = Side()
    bins: tuple[Bin, ...] = ()
    psi: float | None = None
    chance: float | None = None
    jensen_shannon: float | None = None
    ks: float | None = None
    total_variation: float | None = None
    out_of_range: float | None = None
    unknown: float | None = None
    unknown_chance: float | None = None
    new: tuple[str, ...] = ()
    vanished: tuple[str, ...] = ()


class WindowDrift(Contract):
    """A window beside its reference.

    Attributes:
        rows: of the window.
        reference_rows: of the reference.
        columns: what the model was asked.
        predictions: what it answered, where the reference holds answers.
        unreferenced: columns of the window that the reference does not hold.
    """

    rows: int
    reference_rows: int
    columns: tuple[ColumnDrift, ...] = ()
    predictions: tuple[ColumnDrift, ...] = ()
    unreferenced: tuple[str, ...] = ()


class Band(SpecPart):
    """Two limits on a measure."""

    warn: float = Field(gt=0, description="above it a window does not pass")
    alert: float = Field(gt=0, description="above it a window fails")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.warn > self.alert:
            raise ValueError(f"warn {self.warn:g} is above alert {self.alert:g}")
        return self


class DriftLimits(SpecPart):
    """How far a column may move.

    The limits on the population stability index are the ones of credit scoring, where it comes
    from (Siddiqi, "Credit Risk Scorecards", Wiley 2006): below 0.1 nothing, above 0.25 a change
    that a model has to answer. The other distances say the same of the same bins, and are for those
    who are used to them; chance is not taken off theirs. The limits on shares are ours.
    """

    rows: int = Field(default=500, ge=1, description="of both sides; with fewer nothing is judged")
    psi: Band | None = Band(warn=0.1, alert=0.25)
    jensen_shannon: Band | None = None
    ks: Band | None = None
    total_variation: Band | None = None
    missing: Band | None = Field(
        default=Band(warn=0.05, alert=0.2), description="change of the share that is missing"
    )
    out_of_range: Band | None = Band(warn=0.01, alert=0.05)
    unknown: Band | None = Band(warn=0.01, alert=0.05)
    also: tuple[Heard, ...] = Field(
        default=(),
        description="what a window fails by besides its columns and predictions, rather than only "
        "being reported: segments, those of monitoring.segments; together, the domain classifier",
    )


class Finding(Contract):
    """A measure of one column beyond a limit.

    Attributes:
        column: that moved.
        measure: of it.
        value: that was measured; of `psi` and `unknown`, beyond chance.
        limit: that it is beyond.
        verdict: `fail` beyond `alert`, `inconclusive` beyond `warn`.
        values: of `unknown`, the most frequent ones that the reference does not hold, three at
            most.
    """

    column: str
    measure: Measure
    value: float
    limit: float
    verdict: Verdict
    values: tuple[str, ...] = ()


class Moved(Contract):
    """A column's part in the change of a window.

    Attributes:
        column: its name.
        psi: its population stability index, beyond chance.
        share: of the sum over all columns, from 0 to 1.
    """

    column: str
    psi: float
    share: float


class WindowVerdict(Contract):
    """What a window's drift says.

    Attributes:
        verdict: the worse one of both below, or of what the plan hears besides.
        reason: the sentence with the numbers it follows from.
        columns: of what the model was asked.
        predictions: of what it answered, where that was compared.
        findings: the columns' and predictions' own, that which is most beyond its limit first.
        moved: columns by their part in the change, the largest first. Predictions are not among
            them: they move because columns do.
        excess: how many times the largest measure is its `alert` limit.
    """

    verdict: Verdict
    reason: str
    columns: Assessment
    predictions: Assessment | None = None
    findings: tuple[Finding, ...] = ()
    moved: tuple[Moved, ...] = ()
    excess: float = Field(default=0.0, ge=0)


CARRIED = 50
"""Windows that a monitor carries on."""


class LastingPlan(SpecPart):
    """How many windows have to say the same before something is done."""

    windows: int = Field(default=3, ge=1, description="that have to say the same, the newest too")
    of: int = Field(default=5, ge=1, le=CARRIED, description="the newest windows that were judged")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.windows > self.of:
            raise ValueError(f"{self.windows} of {self.of} windows can never be")
        return self


class JudgedWindow(Contract):
    """What is kept of a window once it is judged.

    Attributes:
        start: of it.
        verdict: that it got.
        excess: as in `WindowVerdict`.
        rows: of it.
        reason: the sentence that the verdict came with.
    """

    start: Utc
    verdict: Verdict
    excess: float = Field(default=0.0, ge=0)
    rows: int = 0
    reason: str = ""


class EarlierWindow(Contract):
    """A window of the champion that others are compared with.

    Attributes:
        profile: whylogs profile of its requests and answers.
    """

    start: Utc
    end: Utc
    profile: BlobRef


class Lasting(Contract):
    """What the newest windows say together.

    Attributes:
        verdict: `fail` or `error` where enough windows say it.
        severity: `none` where the newest window passes or has no data; `low` where it does not, and
            too few windows say so; `high` where enough do; `critical` where besides the newest one
            is at twice its limit or more.
        windows: that say what the newest one says.
        of: so many that were looked at.
        reason: the sentence with the numbers.
    """

    verdict: Verdict
    severity: Severity
    windows: int
    of: int
    reason: str
