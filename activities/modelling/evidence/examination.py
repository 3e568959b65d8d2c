"""All that is found out about a candidate beyond its metrics, put together."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from activities.modelling.evidence.bootstrap import (
    OWN_SAMPLES,
    OwnFigure,
    Resampled,
    replicates,
    resampled,
)
from activities.modelling.evidence.calibration import calibration
from activities.modelling.evidence.curves import curves
from activities.modelling.evidence.group_samples import GroupSamples
from activities.modelling.evidence.groups import by_group
from activities.modelling.evidence.held_out import HeldOut
from activities.modelling.evidence.metrics import measure_some
from activities.modelling.evidence.robustness import strain
from perennial.blobs import BlobStore
from perennial.contracts.evidence_plan import EvidencePlan
from perennial.contracts.examined import Examined, Interval, Paired
from perennial.contracts.spec import MetricPlan

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_FEW, _MANY, _DRAWS = 1_000, 200, 10_000_000


@dataclass(frozen=True)
class Examination:
    """How candidates of one run are examined.

    Attributes:
        rows: that they are measured on.
        metrics: which one counts, and which way is better.
        plan: of the spec.
        seed: of resampling and disturbing.
    """

    rows: HeldOut
    metrics: MetricPlan
    plan: EvidencePlan
    seed: int

    def examine(
        self,
        scores: Floats,
        champions: Mapping[int, Floats],
        score: Callable[[pd.DataFrame], Floats],
        blobs: BlobStore,
    ) -> Examined:
        """Intervals, calibration, groups, robustness, and each champion beside it.

        Args:
            scores: of the candidate, as `metrics.measure` takes them.
            champions: theirs, by version.
            score: the candidate's answers to other raw rows.
            blobs: for the details.

        Raises:
            EvidenceInvalid: a group's column is not there.
        """
        rows, plan, primary = self.rows, self.plan, self.metrics.primary
        grouped = by_group(rows, scores, plan, primary)
        sides = [
            GroupSamples(rows, scores, column, each, plan, primary)
            for column, each in grouped.items()
        ]
        (mine, *theirs), of_sides = self._replicated([scores, *champions.values()], sides)
        strained = strain(
            rows.frame,
            rows.project.features(),
            score,
            self._primary_of,
            goal=self.metrics.goal,
            rows=plan.robustness_rows,
            seed=self.seed,
        )
        document = {
            "groups": {column: each.details for column, each in grouped.items()},
            "shuffled": strained.shuffled if strained else {},
            "curves": curves(rows, scores),
        }
        intervals = {name: self._interval(values) for name, values in mine.items()}
        return Examined(
            samples=self._samples,
            confidence=plan.confidence,
            intervals={name: each for name, each in intervals.items() if each is not None},
            calibration=None
            if rows.task == "regression"
            else calibration(rows.truth.astype(np.intp), scores),
            groups={
                each.column: each.sure(found, self._interval)
                for each, found in zip(sides, of_sides, strict=True)
            },
            robustness=strained.robustness if strained else None,
            paired=self._paired(scores, champions, mine, theirs),
            details=blobs.put_bytes(json.dumps(document, sort_keys=True).encode()),
        )

    def beside(self, scores: Floats, champions: Mapping[int, Floats]) -> dict[int, Paired]:
        """The candidate beside champions alone, on the very samples of `examine`."""
        (mine, *theirs), _ = self._replicated([scores, *champions.values()])
        return self._paired(scores, champions, mine, theirs)

    @property
    def _samples(self) -> int:
        few_or_many = _DRAWS // len(self.rows.truth)
        return self.plan.samples or max(_MANY, min(_FEW, few_or_many))

    def _replicated(
        self, scores: Sequence[Floats], sides: Sequence[GroupSamples] = ()
    ) -> tuple[list[dict[str, Floats]], list[list[dict[str, Floats]]]]:
        """Every figure of each model `[samples]`, and those of the groups of each column.

        All are of the same samples.
        """
        rows, primary = self.rows, self.metrics.primary
        whole: list[Resampled] = [resampled(rows.task, rows.truth, each) for each in scores]
        found = self._drawn([whole, *(each.models for each in sides)], self._samples)
        by_interval = dict.fromkeys(
            (rule.of, rule.measure) for rule in self.plan.rules if rule.by == "interval"
        )
        wanted = [name for of, name in by_interval if of == "metric"]
        named = [name for of, name in by_interval if of == "slice"]
        for name in dict.fromkeys((primary, *wanted, *named)):
            if name in found[0][0]:
                continue
            own: list[Resampled] = []
            if name in (primary, *wanted):
                own = [OwnFigure(rows.project, name, rows.truth, each) for each in scores]
            more = self._drawn([own, *(each.own(name) for each in sides)], OWN_SAMPLES)
            for before, added in zip(found, more, strict=True):
                for one, another in zip(before, added, strict=False):  # of some there is no more
                    one |= another
        return found[0], found[1:]

    def _drawn(
        self, models: Sequence[Sequence[Resampled]], samples: int
    ) -> list[list[dict[str, Floats]]]:
        """The figures of models that belong together, `[samples]`."""
        every = [model for some in models for model in some]
        found = iter(replicates(every, len(self.rows.truth), samples, self.seed))
        return [[next(found) for _ in some] for some in models]

    def _primary_of(self, places: NDArray[np.intp], scores: Floats) -> float:
        """The primary metric of these rows; NaN where it means nothing."""
        rows, name = self.rows, self.metrics.primary
        if not np.isfinite(scores).all():
            return float("nan")
        truth = rows.truth[places]
        figures = resampled(rows.task, truth, scores).figures(np.ones((1, len(places))))
        if name in figures:
            return float(figures[name][0])
        return measure_some(rows.task, truth, scores, rows.project)[0].get(name, float("nan"))

    def _interval(self, values: Floats) -> Interval | None:
        """Percentiles; None where the figure means nothing in most samples."""
        finite = values[np.isfinite(values)]
        if len(finite) * 2 < len(values):
            return None
        beyond = (1 - self.plan.confidence) / 2
        low, high = np.quantile(finite, (beyond, 1 - beyond))
        return Interval(low=float(low), high=float(high))

    def _paired(
        self,
        scores: Floats,
        champions: Mapping[int, Floats],
        mine: dict[str, Floats],
        theirs: list[dict[str, Floats]],
    ) -> dict[int, Paired]:
        name, places = self.metrics.primary, np.arange(len(self.rows.truth))
        better = 1.0 if self.metrics.goal == "maximize" else -1.0
        whole = self._primary_of(places, scores)
        found = {}
        for (version, answers), their in zip(champions.items(), theirs, strict=True):
            ahead = better * (mine[name] - their[name])
            interval = self._interval(ahead)
            difference = better * (whole - self._primary_of(places, answers))
            if interval is None or not np.isfinite(difference):
                continue
            known = ahead[np.isfinite(ahead)]
            found[version] = Paired(
                difference=difference,
                low=interval.low,
                high=interval.high,
                probability_better=float((known > 0).mean() + (known == 0).mean() / 2),
            )
        return found
