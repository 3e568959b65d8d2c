"""What is known of a candidate beyond its metrics: how sure, for whom, and under what strain.

All of it is small, since it travels with the evidence; what is long is in a blob beside it.
"""

from __future__ import annotations

from pydantic import Field

from perennial.contracts.base import BlobRef, Contract, Metrics


class Interval(Contract):
    """Where a figure lies, at the confidence of the spec."""

    low: float
    high: float


class ReliabilityBin(Contract):
    """Rows whose probability lies between two bounds."""

    low: float
    high: float
    rows: int
    expected: float = Field(description="their mean probability")
    observed: float = Field(description="how many of them were of that class, from 0 to 1")


class Calibration(Contract):
    """Whether probabilities are what they say. Two classes: of the second; more: of the likeliest.

    Attributes:
        error: of the likeliest class, from 0 to 1: the expected calibration error.
        brier: mean squared error of the probabilities; of two classes 0 to 1, of more 0 to 2.
        bins: ten at most; those without rows are left out.
    """

    error: float
    brier: float
    bins: tuple[ReliabilityBin, ...]


class Group(Contract):
    """Held-out rows with one value of a column.

    Attributes:
        judged: whether it has enough rows to be judged.
        metrics: the primary one and those that rules name; all are in the details.
        intervals: of these, where it is judged: chance in few rows says nothing of a figure.
    """

    value: str
    rows: int
    judged: bool
    metrics: Metrics = Field(default_factory=dict)
    intervals: dict[str, Interval] = Field(default_factory=dict)


class Groups(Contract):
    """The groups of a column, largest first, and how far those that are judged are apart.

    Attributes:
        smallest: rows that a group needs to be judged.
        groups: 20 at most.
        unlisted: rows of further groups.
        fairness: differences and ratios between groups; one that means nothing is left out.
        intervals: of these. A difference is never below 0, so that its interval tells how large it
            may be, and never that there is none.
        note: why some are left out; empty where none is.
    """

    smallest: int
    groups: tuple[Group, ...]
    unlisted: int = 0
    fairness: Metrics = Field(default_factory=dict)
    intervals: dict[str, Interval] = Field(default_factory=dict)
    note: str = ""


class Strain(Contract):
    """The primary metric on disturbed rows.

    Attributes:
        value: of the primary metric.
        drop: how much worse that is than undisturbed; negative where it is better.
        column: what was disturbed, where it was one column or vector alone.
    """

    value: float
    drop: float
    column: str = ""


class Robustness(Contract):
    """How much worse the primary metric becomes on the same rows, disturbed.

    Attributes:
        rows: that were disturbed.
        undisturbed: the primary metric of them as they are.
        strains: by name; of `shuffle`, the column that costs most.
    """

    rows: int
    undisturbed: float
    strains: dict[str, Strain]


class Paired(Contract):
    """The primary metric beside a champion's, both on the same resampled rows.

    Attributes:
        difference: how much better the candidate is, whichever way better is.
        probability_better: the share of samples in which it is better, a tie counting half.
    """

    difference: float
    low: float
    high: float
    probability_better: float


class Examined(Contract):
    """All of it. What does not apply is None, empty or left out, and a rule on it denies.

    Attributes:
        samples: bootstrap samples behind each interval.
        intervals: by metric.
        calibration: None for a regression.
        groups: by column.
        paired: by the champion's version.
        details: JSON of all groups' metrics, of every shuffled column, and of curves to draw.
    """

    samples: int
    confidence: float
    intervals: dict[str, Interval] = Field(default_factory=dict)
    calibration: Calibration | None = None
    groups: dict[str, Groups] = Field(default_factory=dict)
    robustness: Robustness | None = None
    paired: dict[int, Paired] = Field(default_factory=dict)
    details: BlobRef | None = None


class Speed(Contract):
    """How fast the file answers on the machine that exported it, on one thread.

    Attributes:
        rows_per_second: in batches of 64.
    """

    p50_ms_1: float
    p99_ms_1: float
    p50_ms_64: float
    p99_ms_64: float
    rows_per_second: float
    threads: int = 1
