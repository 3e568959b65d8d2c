"""Were requests divided as the weights say? A sequential test for a sample-ratio mismatch.

A division that is off means that something loses or repeats requests of one variant: no comparison
of the variants can be believed then.

Source: Lindon and Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022: the
marginal likelihood of the counts under a Dirichlet prior around the weights, over their likelihood
under the weights. Under the weights that is a martingale which starts at 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from perennial.contracts.analysis import Split

_FIRM = 1000.0
"""How firmly the prior believes in the weights, in requests: mismatches of per cents are found."""


def seen(so_far: Split, counts: Sequence[int], weights: Sequence[float]) -> Split:
    """The division with one more window.

    Args:
        so_far: the windows before, with the same weights: begin anew where these change.
        counts: requests of each variant in this window.
        weights: of each variant, more than 0, with sum 1.
    """
    before = so_far.counts or (0,) * len(weights)
    now = tuple(old + new for old, new in zip(before, counts, strict=True))
    change = sum(
        math.lgamma(_FIRM * weight + after) - math.lgamma(_FIRM * weight + old)
        for weight, old, after in zip(weights, before, now, strict=True)
    )
    change -= math.lgamma(_FIRM + sum(now)) - math.lgamma(_FIRM + sum(before))
    change -= sum(new * math.log(weight) for new, weight in zip(counts, weights, strict=True))
    evidence = so_far.evidence + change
    return Split(counts=now, evidence=evidence, most=max(so_far.most, evidence))
