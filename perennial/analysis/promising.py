"""Is a champion as good as it was promised to be, when it was promoted?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from perennial.contracts.analysis import Verdict
from perennial.contracts.drift import Band
from perennial.contracts.monitoring_plan import QualityPlan
from perennial.contracts.policy import Evidence

Goal = Literal["maximize", "minimize"]

CHANCE = 1.645
"""Deviations that are taken off: a champion that is as good as promised is beyond them in one
window of twenty."""

_LOWER_IS_BETTER = frozenset({"log_loss", "brier", "calibration_error", "rmse", "mae"})
_APART = "_difference by "
_SAID = 3


class Kept(NamedTuple):
    """How a promise was kept.

    Attributes:
        verdict: of all metrics together.
        reason: the sentence with the numbers it follows from.
        excess: how many times its alert limit the worst metric is, chance taken off.
    """

    verdict: Verdict
    reason: str
    excess: float


def between(measure: str, column: str) -> str:
    """The name of a measure of fairness between the groups of a column, beside the metrics."""
    return f"{measure} by {column}"


def promised_by(evidence: Evidence) -> dict[str, float]:
    """What was promised at promotion: the metrics, and fairness by each column of groups."""
    groups = evidence.examined.groups if evidence.examined is not None else {}
    fair = {
        between(measure, column): value
        for column, found in groups.items()
        for measure, value in found.fairness.items()
    }
    return {**evidence.metrics, **fair}


def enough(rows: int, labelled: int, plan: QualityPlan) -> str:
    """Why a window cannot be judged by its labels; the empty text where it can.

    Args:
        rows: that the champion answered.
        labelled: rows of them whose label can be read.
        plan: has the floors.
    """
    if not rows:
        return "the champion answered no row"
    if labelled >= plan.rows and labelled >= plan.coverage * rows:
        return ""
    return (
        f"{covered(rows, labelled)}, {plan.rows:,} rows and {plan.coverage:.0%} are needed before "
        f"anything is judged"
    )


def judge_quality(
    metrics: Mapping[str, float],
    promised: Mapping[str, float],
    deviations: Mapping[str, float],
    plan: QualityPlan,
    *,
    primary: str,
    goal: Goal,
) -> Kept:
    """What a window's metrics say beside the promised ones.

    Each metric counts with what it is worse than promised beyond chance, so that a window of few
    rows fails only where it is much worse. The primary metric always has limits; a smaller value of
    it is better where the goal says so. Of the others log_loss, brier, calibration_error, rmse, mae
    and differences between groups are better smaller, and all else, a project's own too, is better
    larger.

    Args:
        metrics: of the window.
        promised: of the held-out rows at promotion.
        deviations: of the window's metrics, from chance alone.
        plan: has the limits.
        primary: the metric that counts.
        goal: which way it is better.

    Returns:
        `fail` where a metric is worse by more than its alert limit; `inconclusive` where one is by
        more than its warn limit alone, or where the primary one cannot be compared; else `pass`.
    """
    bands = {primary: plan.worse} | {n: b for n, b in plan.limits.items() if n != primary}
    failed: list[str] = []
    warned: list[str] = []
    open_: list[str] = []
    fine: list[str] = []
    excess = 0.0
    for name, band in bands.items():
        if name not in metrics or name not in promised:
            where = "promised" if name in metrics else "measured on these rows"
            open_.append(f"{name} was not {where}")
            continue
        worse = promised[name] - metrics[name]
        smaller = name in _LOWER_IS_BETTER or _APART in name
        if goal == "minimize" if name == primary else smaller:
            worse = -worse
        told = f"{name} {metrics[name]:.4g}, {promised[name]:.4g} was promised"
        if name not in deviations:
            told += ": what chance does to it cannot be told"
            (warned if worse > band.warn else fine).append(told)
            continue
        beyond = max(0.0, worse - CHANCE * deviations[name])
        excess = max(excess, beyond / band.alert)
        told += f": {beyond:.3g} worse beyond chance, {_allowed(beyond, band):g} is allowed"
        (failed if beyond > band.alert else warned if beyond > band.warn else fine).append(told)
    told = "; ".join([*failed, *warned, *open_, *fine][:_SAID])
    if failed:
        return Kept("fail", told, excess)
    blind = primary not in metrics or primary not in promised
    return Kept("inconclusive" if warned or blind else "pass", told, excess)


def _allowed(beyond: float, band: Band) -> float:
    """The limit that it is beyond, or the first that it would be."""
    return band.alert if beyond > band.alert else band.warn


def covered(rows: int, labelled: int) -> str:
    """How much of a window has labels, in words."""
    return f"{labelled:,} of {rows:,} rows have labels ({labelled / rows:.0%})"
