"""Does a champion hit more often than it may, with no control beside it any more?

Each window is bet on: that the odds of a hit are higher than those of a share that is allowed, by
one of several factors. While the share is no larger than that, no bet can be expected to grow.

Source: as `perennial.analysis.comparing`, for one sample and a bound on its share.
"""

from __future__ import annotations

import math

from perennial.analysis.comparing import ODDS, evidence
from perennial.contracts.analysis import Assessment, Counted, Lone

_LEAST = 1e-4
"""A bound of nothing could be broken by a single hit, which every service has one day."""


def upper_bound(control: Counted, alpha: float) -> float:
    """The largest share that a control's counts leave likely, from 0 to 1.

    Source: Hoeffding's bound in its Chernoff form, which holds for any number of requests: the
    share whose divergence from the observed one is `log(1 / alpha) / requests`. By bisection.
    """
    if not control.requests:
        return 1.0
    low, high, most = control.share, 1.0, -math.log(alpha) / control.requests
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if _divergence(control.share, middle) < most else (low, middle)
    return high


def seen(so_far: Lone, bound: float, fresh: Counted) -> Lone:
    """What is known with one more window.

    Args:
        so_far: the windows before.
        bound: the share that is allowed, from 0 to 1.
        fresh: requests of this window alone.
    """
    allowed = min(max(bound, _LEAST), 1 - _LEAST)
    bets = so_far.bets or (0.0,) * len(ODDS)
    misses = fresh.requests - fresh.hits
    grown = []
    for bet, odds in zip(bets, ODDS, strict=True):
        raised = allowed * odds / (1 - allowed + allowed * odds)
        gain = fresh.hits * math.log(raised / allowed)
        grown.append(bet + gain + misses * math.log((1 - raised) / (1 - allowed)))
    return Lone(
        counted=so_far.counted + fresh,
        bets=tuple(grown),
        most=max(so_far.most, evidence(tuple(grown))),
    )


def assess(name: str, lone: Lone, bound: float, alpha: float) -> Assessment:
    """`fail` where it is certain enough that the share is beyond its bound; else `pass`.

    Args:
        name: what a hit is.
        lone: every window, in order.
        bound: the share that is allowed.
        alpha: how often a champion within its bound may fail, over all looks.
    """
    counted = lone.counted
    told = (
        f"{name}: {100 * counted.share:.2f} % of {counted.requests:,} requests, "
        f"{100 * bound:.2f} % is allowed by what the version before it did"
    )
    failed = lone.most >= -math.log(alpha) and counted.share > bound
    return Assessment(verdict="fail" if failed else "pass", reason=told)


def _divergence(share: float, other: float) -> float:
    """Kullback and Leibler's, of one coin from another."""
    total = 0.0
    if share > 0:
        total += share * math.log(share / other)
    if share < 1:
        total += math.inf if other >= 1 else (1 - share) * math.log((1 - share) / (1 - other))
    return total
