"""How sure the figures of groups are, and of how far apart they are: on the samples of all rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse  # type: ignore[import-untyped]

from activities.modelling.evidence.bootstrap import OwnFigure, Part, Resampled, resampled
from activities.modelling.evidence.groups import Grouped
from activities.modelling.evidence.held_out import HeldOut
from perennial.contracts.evidence_plan import EvidencePlan
from perennial.contracts.examined import Groups, Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Sure = Callable[[Floats], Interval | None]


@dataclass(frozen=True)
class GroupSamples:
    """The judged groups of one column, ready to be resampled.

    A resample is of all rows, so that a group has as many rows in it as chance gives.

    Attributes:
        rows: all held-out rows.
        scores: of the candidate, for all of them.
        column: the groups' name.
        grouped: what is known of them.
        plan: of the spec.
        primary: the metric that counts.
    """

    rows: HeldOut
    scores: Floats
    column: str
    grouped: Grouped
    plan: EvidencePlan
    primary: str

    @property
    def models(self) -> list[Resampled]:
        """One for each group that is judged, then one for how far apart they are, if several."""
        places, rows = self.grouped.places.values(), self.rows
        ranked = "roc_auc" in (self.primary, *self.plan.metrics)
        found: list[Resampled] = [
            Part(resampled(rows.task, rows.truth[p], self.scores[p], ranked=ranked), p)
            for p in places
        ]
        return [*found, Apart(rows, self.scores, list(places))] if len(places) > 1 else found

    def own(self, name: str) -> list[Resampled]:
        """The same for a metric of the project's own, where the spec judges groups by it."""
        by_interval = {
            rule.measure
            for rule in self.plan.rules
            if rule.of == "slice" and rule.column == self.column and rule.by == "interval"
        }
        if name not in (self.primary, *by_interval):
            return []
        rows = self.rows
        return [
            Part(OwnFigure(rows.project, name, rows.truth[p], self.scores[p]), p)
            for p in self.grouped.places.values()
        ]

    def sure(self, found: Sequence[Mapping[str, Floats]], interval: Sure) -> Groups:
        """The groups with what lies where.

        Args:
            found: the figures `[samples]` of `models`, with what `own` added.
            interval: of such a figure; None where it means nothing in most samples.
        """
        groups = self.grouped.groups
        of_group = dict(zip(self.grouped.places, found, strict=False))
        apart = dict(found[len(of_group)]) if len(of_group) > 1 else {}
        between = [each[self.primary] for each in of_group.values() if self.primary in each]
        if len(between) > 1 and len(between) == len(of_group):
            apart["primary_difference"] = np.ptp(between, axis=0)
        return groups.model_copy(
            update={
                "groups": tuple(
                    group.model_copy(
                        update={
                            "intervals": _known(
                                of_group.get(group.value, {}), group.metrics, interval
                            )
                        }
                    )
                    for group in groups.groups
                ),
                "intervals": _known(apart, groups.fairness, interval),
            }
        )


def _known(
    found: Mapping[str, Floats], measured: Mapping[str, float], interval: Sure
) -> dict[str, Interval]:
    """Of the figures that mean something for the rows as they are."""
    sure = {name: interval(found[name]) for name in measured if name in found}
    return {name: each for name, each in sure.items() if each is not None}


class Apart:
    """How far groups are apart, as `groups.by_group` has it, of sums over rows."""

    def __init__(self, rows: HeldOut, scores: Floats, places: Sequence[NDArray[np.intp]]) -> None:
        """`places`: the rows of each group."""
        self._groups = len(places)
        mine = np.concatenate(list(places))
        group = np.repeat(np.arange(len(places)), [len(each) for each in places])
        if rows.task == "regression":
            self._classes, width = 0, 2
            off = scores[mine] - rows.truth[mine].astype(np.float64)
            entries = [(mine, group * width, np.ones(len(mine))), (mine, group * width + 1, off)]
        else:
            truth, said = rows.truth[mine].astype(np.intp), scores[mine].argmax(axis=1)
            self._classes = scores.shape[1]
            if rows.task == "binary":  # the second class alone
                said = (scores[mine, 1] >= 0.5).astype(np.intp)
                truth, said, self._classes = truth - 1, said - 1, 1
            width = 1 + 3 * self._classes
            entries = [(mine, group * width, np.ones(len(mine)))]
            for kind, number in enumerate((said, truth, np.where(said == truth, said, -1))):
                known = number >= 0
                column = group * width + 1 + kind * self._classes + number
                entries.append((mine[known], column[known], np.ones(int(known.sum()))))
        place, column, value = (np.concatenate(each) for each in zip(*entries, strict=True))
        shape = (len(rows.truth), self._groups * width)
        self._summands = sparse.csr_array((value, (place, column)), shape=shape)

    def figures(self, counts: Floats) -> dict[str, Floats]:
        """As `Resampled`; NaN where a group has no row of a kind that is compared."""
        sums = (counts @ self._summands).reshape(len(counts), self._groups, -1)
        rows, classes = sums[:, :, :1], self._classes
        with np.errstate(divide="ignore", invalid="ignore"):
            if not classes:
                return {"mean_error_difference": np.ptp(sums[:, :, 1] / rows[:, :, 0], axis=1)}
            said, there, right = np.split(sums[:, :, 1:], 3, axis=2)
            selected = said / rows
            true, false = right / there, (said - right) / (rows - there)
            odds = np.maximum(np.ptp(true, axis=1), np.ptp(false, axis=1))
            ratios = np.minimum(_ratio(true), _ratio(false))
            return {
                "demographic_parity_difference": np.ptp(selected, axis=1).max(axis=1),
                "demographic_parity_ratio": _ratio(selected).min(axis=1),
                "equalized_odds_difference": odds.max(axis=1),
                "equalized_odds_ratio": ratios.min(axis=1),
            }


def _ratio(shares: Floats) -> Floats:
    """The least of the groups' shares by the largest; 1 of nothing: nobody is preferred."""
    low, high = shares.min(axis=1), shares.max(axis=1)
    found: Floats = np.where(high == 0, 1.0, low / high)
    return found
