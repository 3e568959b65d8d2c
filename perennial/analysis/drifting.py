"""Does a challenger answer otherwise than its control? An e-process over counts by category.

Categories are classes, or parts of the range of a score. Each window is bet on with the two
distributions that the windows before it have shown, against the one distribution that both would
have; the bet's evidence reaches `1 / alpha` with a probability of at most alpha where the two sides
answer alike, whatever the answers are and whenever one looks.

Source: as `perennial.analysis.comparing`, for outcomes of any kind and in both directions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from perennial.contracts.analysis import Drift

_FIRM = 100.0
"""How firmly both sides are believed to be alike, in requests: how much must speak against it
before a bet dares much."""


def seen(so_far: Drift, control: Sequence[int], challenger: Sequence[int]) -> Drift:
    """The drift with one more window.

    Args:
        so_far: the windows before.
        control: its answers in this window, by category.
        challenger: the same, in the same order.
    """
    nothing = (0,) * len(control)
    before = so_far.control or nothing, so_far.challenger or nothing
    gain = 0.0
    if sum(before[0]) and sum(before[1]) and sum(control) and sum(challenger):
        gain = _gain(_believed(*before), control, challenger)
    evidence = so_far.evidence + gain
    return Drift(
        control=_sum(before[0], control),
        challenger=_sum(before[1], challenger),
        evidence=evidence,
        most=max(so_far.most, evidence),
    )


def distance(drift: Drift) -> float:
    """Total variation between both sides so far: which share of answers is another, 0 to 1."""
    sizes = sum(drift.control), sum(drift.challenger)
    if not all(sizes):
        return 0.0
    pairs = zip(drift.control, drift.challenger, strict=True)
    return sum(abs(ours / sizes[0] - theirs / sizes[1]) for ours, theirs in pairs) / 2


def _believed(
    control: Sequence[int], challenger: Sequence[int]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Both distributions, each drawn towards the one of all answers."""
    every = _sum(control, challenger)
    total = sum(every) + len(every) / 2
    common = [(count + 0.5) / total for count in every]

    def drawn(counts: Sequence[int]) -> tuple[float, ...]:
        total = sum(counts) + _FIRM
        return tuple((c + _FIRM * share) / total for c, share in zip(counts, common, strict=True))

    return drawn(control), drawn(challenger)


def _gain(
    believed: tuple[tuple[float, ...], tuple[float, ...]],
    control: Sequence[int],
    challenger: Sequence[int],
) -> float:
    ours, theirs = sum(control), sum(challenger)
    gain = 0.0
    for usual, other, of_ours, of_theirs in zip(*believed, control, challenger, strict=True):
        common = (usual * ours + other * theirs) / (ours + theirs)
        gain += of_ours * math.log(usual / common) + of_theirs * math.log(other / common)
    return gain


def _sum(some: Sequence[int], more: Sequence[int]) -> tuple[int, ...]:
    return tuple(one + other for one, other in zip(some, more, strict=True))
