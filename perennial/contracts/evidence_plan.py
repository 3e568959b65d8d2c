"""What a version must show beside its metrics: groups, robustness, and rules on all of it."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from perennial.contracts.spec_part import Environment, SpecPart

Mode = Literal["enforce", "warn", "dry-run"]
Subject = Literal[
    "metric",
    "slice",
    "fairness",
    "robustness",
    "calibration",
    "champion",
    "parity",
    "opset",
    "latency",
    "size",
    "freshness",
    "dependencies",
]

MEASURES: dict[Subject, tuple[str, ...]] = {
    "fairness": (
        "demographic_parity_difference",
        "demographic_parity_ratio",
        "equalized_odds_difference",
        "equalized_odds_ratio",
        "primary_difference",
        "mean_error_difference",
    ),
    "robustness": ("noise", "missing", "out_of_range", "shuffle"),
    "calibration": ("error", "brier"),
    "champion": ("difference", "probability_better"),
    "parity": ("max_abs_diff", "flips"),
    "opset": ("version",),
    "latency": ("p50_ms_1", "p99_ms_1", "p50_ms_64", "p99_ms_64", "rows_per_second"),
    "size": ("megabytes",),
    "freshness": ("age_days",),
    "dependencies": ("advisories",),
}
"""What can be judged of each subject; of metrics and slices, any metric."""

_BY_COLUMN = ("slice", "fairness")


class Rule(SpecPart):
    """A bound on one figure of the evidence, and what becomes of it when it is broken."""

    of: Subject
    measure: str = Field(
        min_length=1,
        description="which figure: a metric by its name, or one of the subject's own. Of "
        "robustness, how much worse the primary metric becomes; of champion, how much better it "
        "is than the champion's, or how probably",
    )
    column: str = Field(
        default="", description="of slice and fairness: by whose values; one of `groups`"
    )
    min: float | None = None
    max: float | None = None
    by: Literal["value", "interval"] = Field(
        default="value",
        description="interval: the whole confidence interval keeps within the bounds, so that "
        "chance is no excuse. For metric, slice, fairness, and champion's difference",
    )
    mode: Mode = Field(
        default="enforce",
        description="enforce: it denies. warn: the run says so and goes on. dry-run: it is kept "
        "with the decision and nothing more. Where the platform's limits say so, all are enforced",
    )
    environments: tuple[Environment, ...] = Field(
        default=(), description="empty: every environment"
    )

    @model_validator(mode="after")
    def _judges_something(self) -> Self:
        what = f"the rule on {self.of} ({self.measure!r})"
        if self.min is None and self.max is None:
            raise ValueError(f"{what} needs min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"{what}: min {self.min:g} is above max {self.max:g}")
        known = MEASURES.get(self.of)
        if known is not None and self.measure not in known:
            raise ValueError(f"{what} judges none of {', '.join(known)}")
        if (self.of in _BY_COLUMN) != bool(self.column):
            need = "needs the column" if self.of in _BY_COLUMN else "has no column"
            raise ValueError(f"{what} {need}; slice and fairness are by column, and no other is")
        has_interval = self.of in ("metric", *_BY_COLUMN) or self.measure == "difference"
        if self.by == "interval" and not has_interval:
            raise ValueError(
                f"{what} has no interval; metric, slice and fairness have, and champion's "
                f"difference"
            )
        return self


class Modes(SpecPart):
    """What becomes of a denial by the platform's own checks."""

    thresholds: Mode = Field(default="enforce", description="metrics.thresholds")
    champion: Mode = Field(default="enforce", description="metrics.max_regression")
    parity: Mode = Field(default="enforce", description="ONNX against the trained model")
    fresh: Mode = Field(default="enforce", description="the age of the evidence")


class EvidencePlan(SpecPart):
    """What is measured of a candidate beyond its metrics, and the rules on it."""

    samples: int | None = Field(
        default=None,
        ge=100,
        le=20_000,
        description="bootstrap samples behind each interval; without it 1000 of few rows, and "
        "200 of many",
    )
    confidence: float = Field(default=0.95, ge=0.5, le=0.999, description="of every interval")
    groups: tuple[str, ...] = Field(
        default=(),
        max_length=8,
        description="columns by whose values it is measured, too. The model need not read them",
    )
    smallest_group: int = Field(
        default=50, ge=10, description="rows; a group with fewer is shown and not judged"
    )
    robustness_rows: int = Field(
        default=2_000, ge=50, description="held-out rows that are disturbed, at most"
    )
    rules: tuple[Rule, ...] = Field(default=(), max_length=100)
    modes: Modes = Modes()

    @model_validator(mode="after")
    def _rules_are_of_its_groups(self) -> Self:
        for rule in self.rules:
            if rule.column and rule.column not in self.groups:
                raise ValueError(
                    f"the rule on {rule.of} of {rule.column!r} needs that column in evidence.groups"
                )
        return self

    def rules_in(self, environment: str) -> tuple[Rule, ...]:
        """The rules that count in one environment."""
        return tuple(r for r in self.rules if not r.environments or environment in r.environments)

    @property
    def metrics(self) -> tuple[str, ...]:
        """Metrics that rules name, each once."""
        named = (rule.measure for rule in self.rules if rule.of in ("metric", "slice"))
        return tuple(dict.fromkeys(named))
