"""Does a challenger hit more often than its control? An e-process over windows of counts.

Each window is bet on before it is seen, with what the windows before it have told: that the odds of
a hit are higher for the challenger, by one of several factors. If they are not higher, no bet can
be expected to grow, whatever both shares are and whenever one looks; so evidence of `1 / alpha` is
reached with a probability of at most alpha, ever (Ville's inequality).

Sources: Turner, Ly and Grünwald, "Generic E-variables for exact sequential k-sample tests that
allow for optional stopping", J. Stat. Plan. Inference 230 (2024), for the e-variable of a block;
Ramdas et al., "Game-theoretic statistics and safe anytime-valid inference", Stat. Sci. 38 (2023),
for mixing bets.
"""

from __future__ import annotations

import math

from perennial.contracts.analysis import Comparison, Counted

ODDS = (1.2, 1.5, 2.0, 3.0, 6.0, 20.0)
"""Bets: by how much the challenger's odds of a hit are higher than the control's."""


def seen(so_far: Comparison, control: Counted, challenger: Counted) -> Comparison:
    """The comparison with one more window.

    Args:
        so_far: the windows before.
        control: requests of this window alone. Its size may depend on all but its own hits.
        challenger: the same.
    """
    bets = so_far.bets or (0.0,) * len(ODDS)
    before = so_far.control
    # without a past, or with one side missing, there is nothing to bet on
    if before.requests and control.requests and challenger.requests:
        base = (before.hits + 0.5) / (before.requests + 1)
        bets = tuple(
            bet + _gain(base, _with_odds(base, odds), control, challenger)
            for bet, odds in zip(bets, ODDS, strict=True)
        )
    return Comparison(
        control=before + control,
        challenger=so_far.challenger + challenger,
        bets=bets,
        most=max(so_far.most, evidence(bets)),
    )


def evidence(bets: tuple[float, ...]) -> float:
    """The logarithm of the mean of bets that are given as logarithms."""
    if not bets:
        return 0.0
    largest = max(bets)
    return largest + math.log(sum(math.exp(bet - largest) for bet in bets) / len(bets))


def _gain(usual: float, raised: float, control: Counted, challenger: Counted) -> float:
    """The log-likelihood of two shares, less that of the one share that both would have."""
    sizes = control.requests, challenger.requests
    common = (usual * sizes[0] + raised * sizes[1]) / sum(sizes)
    return _likelihood(control, usual, common) + _likelihood(challenger, raised, common)


def _likelihood(counted: Counted, share: float, common: float) -> float:
    misses = counted.requests - counted.hits
    return counted.hits * math.log(share / common) + misses * math.log((1 - share) / (1 - common))


def _with_odds(share: float, factor: float) -> float:
    raised = share * factor
    return raised / (1 - share + raised)


def requests_to_find(usual: float, raised: float, alpha: float) -> int:
    """About how many requests of each side it takes to find a share of hits raised so far.

    Args:
        usual: the control's share, between 0 and 1.
        raised: the challenger's, above it.
        alpha: as in `assessing.assess`.

    Returns:
        Those after which the best bet is expected to reach the evidence that is asked for, by its
        growth a request (Kullback and Leibler's divergence from both sides having one share).
    """
    growth = max(_growth(usual, raised, _with_odds(usual, odds)) for odds in ODDS)
    if growth <= 0:
        raise ValueError(f"a share of {raised:g} instead of {usual:g} is less than any bet is on")
    return math.ceil((math.log(len(ODDS)) - math.log(alpha)) / growth)


def _growth(usual: float, raised: float, bet_on: float) -> float:
    """Expected for one request of each side."""
    common = (usual + bet_on) / 2
    return sum(
        share * math.log(claimed / common) + (1 - share) * math.log((1 - claimed) / (1 - common))
        for share, claimed in ((usual, usual), (raised, bet_on))
    )
