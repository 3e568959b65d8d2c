"""How far two distributions over the same bins are apart.

All take shares of the bins, each side with sum 1, in the same order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

LEAST = 1e-4
"""The share that an empty bin counts with in the population stability index, which would be
infinite for it; Evidently takes the same. Shares are not divided by their new sum."""


def psi(reference: Sequence[float], window: Sequence[float]) -> float:
    """The population stability index: 0 where both are alike, without an upper end.

    The sum over the bins of the difference in shares times the logarithm of their quotient.

    Source: Siddiqi, "Credit Risk Scorecards", Wiley 2006; it is Jeffreys' divergence (1946) of
    binned shares.
    """
    total = 0.0
    for usual, now in zip(reference, window, strict=True):
        usual, now = max(usual, LEAST), max(now, LEAST)
        total += (now - usual) * math.log(now / usual)
    return total


def chance(bins: int, reference_rows: int, rows: int) -> float:
    """The population stability index that is to be expected where nothing has changed.

    Source: Yurdakul, "Statistical Properties of Population Stability Index", Western Michigan
    University 2018: the index over `1 / reference_rows + 1 / rows` is about a chi-square value
    with `bins - 1` degrees of freedom.

    Args:
        bins: that are not empty.
        reference_rows: that the bins of the reference hold, 1 or more.
        rows: that those of the window hold, 1 or more.
    """
    return max(bins - 1, 0) * (1 / reference_rows + 1 / rows)


def jensen_shannon(reference: Sequence[float], window: Sequence[float]) -> float:
    """The Jensen-Shannon distance with logarithms to base 2: 0 where alike, 1 where disjoint.

    Empty bins need nothing.

    Source: Lin, "Divergence measures based on the Shannon entropy", IEEE Trans. Inf. Theory 37
    (1991); Endres and Schindelin (2003) for its root being a metric.
    """
    divergence = 0.0
    for usual, now in zip(reference, window, strict=True):
        middle = (usual + now) / 2
        divergence += sum(share * math.log2(share / middle) for share in (usual, now) if share) / 2
    return math.sqrt(min(max(divergence, 0.0), 1.0))


def total_variation(reference: Sequence[float], window: Sequence[float]) -> float:
    """Which share of values is another: half the sum of all differences, from 0 to 1.

    Source: Levin, Peres and Wilmer, "Markov Chains and Mixing Times", AMS 2009, section 4.1.
    """
    return sum(abs(now - usual) for usual, now in zip(reference, window, strict=True)) / 2
