"""Labels that come after 100 %: of the rollout's requests, and of those that came since.

The rollout's own requests are judged on as they were, challenger beside control: most of their
labels may come only now. Later requests have no control; they are judged by what the control's
labels leave likely, once enough of those have come.
"""

from __future__ import annotations

from collections.abc import Sequence

from perennial.analysis import assessing, guarding, labelling
from perennial.contracts.analysis import Assessment, Comparison, Guardrail, Lone
from perennial.contracts.base import Contract
from perennial.contracts.rollout import Seen
from perennial.contracts.rollout_plan import QualityLimit
from perennial.contracts.serving import CHAMPION, Labelled


class LateLabels(Contract):
    """All that labels have said so far.

    Attributes:
        labelled: sums that `compared` has seen.
        compared: of the rollout's requests, the challenger's wrong answers beside its control's.
        judged: sums of what `alone` has seen; it waits until there is a bound.
        alone: wrong answers of the version since it is champion.
    """

    labelled: tuple[Labelled, ...] = ()
    compared: Comparison = Comparison()
    judged: tuple[Labelled, ...] = ()
    alone: Lone = Lone()

    @classmethod
    def after(cls, rollout: Seen) -> LateLabels:
        """What is known when a rollout has ended."""
        return cls(labelled=rollout.labelled, compared=rollout.quality)


def seen(
    limit: QualityLimit,
    so_far: LateLabels,
    now: Sequence[Labelled],
    version: int,
    alpha: float,
) -> LateLabels:
    """What is known with one more look.

    Args:
        limit: what is not to be.
        so_far: the looks before.
        now: sums by variant since the rollout's first step.
        version: the champion.
        alpha: as in `assess`.
    """
    compared, known = labelling.seen(so_far.compared, so_far.labelled, now)
    labelled = tuple(known)
    mine = tuple(each for each in now if (each.variant, each.version) == (CHAMPION, version))
    allowed = _bound(limit, compared, alpha)
    if allowed is None:
        return LateLabels(labelled=labelled, compared=compared, judged=so_far.judged)
    fresh = labelling.fresh(so_far.judged, mine, CHAMPION)
    alone = guarding.seen(so_far.alone, allowed, fresh)
    return LateLabels(labelled=labelled, compared=compared, judged=mine, alone=alone)


def assess(limit: QualityLimit, known: LateLabels, alpha: float) -> Assessment:
    """What labels say of a champion.

    Args:
        limit: what is not to be.
        known: every look, in order.
        alpha: how often a champion that is no worse may fail, over all looks and both ways.

    Returns:
        `fail` where the rollout's requests or later ones say so with certainty; else `pass`.
    """
    rail = Guardrail(name=limit.hit, allowed=limit.allowed, requests=limit.requests)
    told = assessing.assess(rail, known.compared, alpha / 2)
    if told.verdict == "fail":
        return Assessment(verdict="fail", reason=f"late labels of its rollout: {told.reason}")
    allowed = _bound(limit, known.compared, alpha)
    if allowed is None:
        return Assessment(verdict="pass", reason=told.reason)
    return guarding.assess(limit.hit, known.alone, allowed, alpha / 2)


def _bound(limit: QualityLimit, compared: Comparison, alpha: float) -> float | None:
    """The share of wrong answers that is allowed. None while too few labels of the control came."""
    control = compared.control
    if control.requests < limit.requests:
        return None
    return min(guarding.upper_bound(control, alpha) + limit.allowed, 1.0)
