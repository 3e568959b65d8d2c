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


def seen(so_far: Comparison, before: Sums, now: Sums) -> tuple[Comparison, Sums]:
    """The comparison with the labels that have come since a look, and the sums that it has seen.

    Each part of the day is a window of its own. Labels of one side alone wait for some of the
    other's: a window without both tells nothing, and late labels would be lost by the lump.

    Args:
        so_far: the looks before.
        before: sums that it has seen, by variant and part.
        now: sums of now. A label that has become another one since counts as what it was.
    """
    known = {part: _of(before, part) for part in {each.part for each in before}}
    for part in sorted({each.part for each in now}):
        ours, theirs = known.get(part, ()), _of(now, part)
        control, challenger = (fresh(ours, theirs, name) for name in (CONTROL, CHALLENGER))
        if control.requests and challenger.requests:
            so_far = comparing.seen(so_far, control, challenger)
            known[part] = theirs
    return so_far, tuple(each for part in sorted(known) for each in known[part])


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
        reason = f"{limit.hit}: labels of both sides have not come yet"
        found = Assessment(verdict="no_data", reason=reason)
    if percent < limit.from_percent and found.verdict in ("no_data", "inconclusive"):
        return None
    ours, theirs = (
        f"{labelled:,} of {max(labelled, requests):,}"
        for labelled, requests in zip(counted, answered, strict=True)
    )
    reason = f"{found.reason}; {ours} requests have labels, {theirs} of the control"
    return found.model_copy(update={"reason": reason})


def _of(sums: Sums, part: int) -> Sums:
    return tuple(each for each in sums if each.part == part)


def _sum(sums: Sums, variant: str, name: str) -> int:
    return sum(getattr(each, name) for each in sums if each.variant == variant)
