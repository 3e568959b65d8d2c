"""Quality by late labels: of the requests that have one, how many were answered wrongly.

A look has as many labels as have come since the last one, which may be none for days. When a label
comes may depend on what it says, and on anything else that is the same for both sides; where people
label only what one version answered in a certain way, the two are not compared fairly.
"""

from __future__ import annotations

from collections.abc import Sequence

from perennial.analysis import assessing, comparing
from perennial.contracts.analysis import Assessment, Comparison, Counted, Guardrail
from perennial.contracts.rollout_plan import QualityLimit
from perennial.contracts.serving import CHALLENGER, CONTROL, Labelled

Sums = Sequence[Labelled]


def seen(so_far: Comparison, before: Sums, now: Sums) -> Comparison:
    """The comparison with the labels that have come since a look.

    Args:
        so_far: the looks before.
        before: sums at the last one, by epoch and variant.
        now: the same of now. A label that has become another one since counts as what it was.
    """
    return comparing.seen(so_far, fresh(before, now, CONTROL), fresh(before, now, CHALLENGER))


def fresh(before: Sums, now: Sums, variant: str) -> Counted:
    """What has come of a variant since a look; nothing where sums have shrunk."""
    requests, wrong = (
        max(_sum(now, variant, name) - _sum(before, variant, name), 0)
        for name in ("requests", "wrong")
    )
    return Counted(requests=requests, hits=min(wrong, requests))


def assess(
    limit: QualityLimit,
    comparison: Comparison,
    answered: tuple[int, int],
    percent: float,
    alpha: float,
) -> Assessment | None:
    """What labels say of a challenger.

    Args:
        limit: what is not to be.
        comparison: every look, in order.
        answered: requests of the challenger and of its control, with a label or not.
        percent: of all requests that the challenger has.
        alpha: how often a challenger that is no worse may fail, over all looks.

    Returns:
        As `assessing.assess`, with how many requests have a label. None where this share does not
        wait for labels, and those that are there decide nothing.
    """
    counted = comparison.challenger.requests, comparison.control.requests
    if all(counted):
        rail = Guardrail(name=limit.hit, allowed=limit.allowed, requests=limit.requests)
        found = assessing.assess(rail, comparison, alpha)
    else:
        missing = "the control" if counted[0] else "the challenger"
        found = Assessment(verdict="no_data", reason=f"{limit.hit}: no label of {missing} has come")
    if percent < limit.from_percent and found.verdict in ("no_data", "inconclusive"):
        return None
    ours, theirs = (
        f"{labelled:,} of {max(labelled, requests):,}"
        for labelled, requests in zip(counted, answered, strict=True)
    )
    reason = f"{found.reason}; {ours} requests have labels, {theirs} of the control"
    return found.model_copy(update={"reason": reason})


def _sum(sums: Sums, variant: str, name: str) -> int:
    return sum(getattr(each, name) for each in sums if each.variant == variant)
