"""A candidate by groups of its rows: how well each is served, and how far apart they are.

Source: Agarwal et al., "A reductions approach to fair classification", ICML 2018, for demographic
parity and equalized odds, as fairlearn measures them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from activities.modelling.evidence.held_out import HeldOut
from activities.modelling.evidence.metrics import measure_some
from activities.modelling.values import as_text
from perennial.contracts.base import Metrics
from perennial.contracts.errors import EvidenceInvalid
from perennial.contracts.evidence_plan import EvidencePlan
from perennial.contracts.examined import Group, Groups
from perennial.contracts.spec import Task

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LISTED = 20


@dataclass(frozen=True)
class Grouped:
    """The groups of one column.

    Attributes:
        groups: what travels with the evidence.
        details: every metric of every listed group, by value.
        places: rows `[rows of the group]` of each group that is judged, by value.
    """

    groups: Groups
    details: dict[str, Metrics]
    places: dict[str, NDArray[np.intp]]


def by_group(
    rows: HeldOut, scores: NDArray[np.float64], plan: EvidencePlan, primary: str
) -> dict[str, Grouped]:
    """The groups of each column that the plan names.

    Raises:
        EvidenceInvalid: there is no such column.
    """
    found = {}
    for column in plan.groups:
        if column not in rows.frame:
            raise EvidenceInvalid(
                f"evidence.groups names the column {column!r}, which the snapshot has not; it has "
                f"{', '.join(map(str, rows.frame.columns[:40]))}. Keep it in load(), where the "
                f"model need not read it"
            )
        found[column] = _of_column(rows, scores, column, plan, primary)
    return found


def _of_column(
    rows: HeldOut, scores: NDArray[np.float64], column: str, plan: EvidencePlan, primary: str
) -> Grouped:
    values = as_text(rows.frame[column]).astype(str)
    names, counts = np.unique(values, return_counts=True)
    largest = [names[i] for i in np.lexsort((names, -counts))[:_LISTED]]
    told = (primary, *plan.metrics)
    groups, details = [], {}
    for name in largest:
        mine = values == name
        measured, _ = measure_some(rows.task, rows.truth[mine], scores[mine], rows.project)
        details[str(name)] = measured
        groups.append(
            Group(
                value=str(name),
                rows=int(mine.sum()),
                judged=bool(mine.sum() >= plan.smallest_group),
                metrics={each: measured[each] for each in told if each in measured},
            )
        )
    judged = np.isin(values, [group.value for group in groups if group.judged])
    fairness: Metrics = {}
    notes = []
    few = sum(not group.judged for group in groups)
    if few:
        notes.append(f"{few} with fewer than {plan.smallest_group} rows")
    unlisted = int(len(values) - sum(group.rows for group in groups))
    if unlisted:
        notes.append(f"{len(names) - len(largest)} further ones of {unlisted:,} rows")
    if sum(group.judged for group in groups) > 1:
        fairness = apart(rows.task, rows.truth[judged], scores[judged], values[judged])
        between = [g.metrics[primary] for g in groups if g.judged and primary in g.metrics]
        if len(between) > 1:
            fairness["primary_difference"] = max(between) - min(between)
    note = f"not judged: {', '.join(notes)}" if notes else ""
    made = Groups(
        smallest=plan.smallest_group,
        groups=tuple(groups),
        unlisted=unlisted,
        fairness=fairness,
        note=note,
    )
    places = {g.value: np.flatnonzero(values == g.value) for g in groups if g.judged}
    return Grouped(made, details, places)


def apart(
    task: Task, truth: NDArray[np.generic], answers: NDArray[np.float64], group: NDArray[Any]
) -> Metrics:
    """Differences and ratios between groups; of many classes, the worst.

    Args:
        task: what is predicted.
        truth: class numbers or values `[rows]`.
        answers: probabilities `[rows, classes]`, or predictions `[rows]`.
        group: of each row `[rows]`, two different ones at least.
    """
    if task == "regression":
        errors = pd.Series(answers - truth.astype(np.float64)).groupby(group).mean()
        return {"mean_error_difference": float(errors.max() - errors.min())}
    called = answers[:, 1] >= 0.5 if task == "binary" else answers.argmax(axis=1)
    classes = [1] if task == "binary" else range(answers.shape[1])
    each = [_of_class(truth == k, called == k, group) for k in classes]
    found: Metrics = {}
    for name in ("demographic_parity", "equalized_odds"):
        differences = [one[f"{name}_difference"] for one in each if f"{name}_difference" in one]
        ratios = [one[f"{name}_ratio"] for one in each if f"{name}_ratio" in one]
        # where one class cannot be compared, the worst of the others would be too kind
        if len(differences) == len(each):
            found[f"{name}_difference"] = max(differences)
            found[f"{name}_ratio"] = min(ratios)
    return found


def _of_class(
    truth: NDArray[np.bool_], called: NDArray[np.bool_], group: NDArray[Any]
) -> Mapping[str, float]:
    from fairlearn.metrics import (  # type: ignore[import-untyped]
        MetricFrame,
        false_positive_rate,
        selection_rate,
        true_positive_rate,
    )

    metrics = {
        "selected": selection_rate,
        "true": true_positive_rate,
        "false": false_positive_rate,
    }
    # rows that are alike count together: it looks at each by itself, a second of 100,000
    rows = pd.DataFrame({"truth": truth.astype(int), "called": called.astype(int), "group": group})
    alike = rows.value_counts().reset_index()
    frame = MetricFrame(
        metrics=metrics,
        y_true=alike["truth"],
        y_pred=alike["called"],
        sensitive_features=alike["group"],
        sample_params={name: {"sample_weight": alike["count"]} for name in metrics},
    )
    apart, ratio = frame.difference(), frame.ratio().fillna(1.0)  # 0 of 0: nobody is preferred
    found = {
        "demographic_parity_difference": float(apart["selected"]),
        "demographic_parity_ratio": float(ratio["selected"]),
    }
    # the odds of a group that has no row of either kind are unknown, and not 0
    positives = pd.Series(truth).groupby(group).mean()
    if ((positives > 0) & (positives < 1)).all():
        found["equalized_odds_difference"] = float(max(apart["true"], apart["false"]))
        found["equalized_odds_ratio"] = float(min(ratio["true"], ratio["false"]))
    return found
