"""Answers by category: a game that nobody can win where both sides answer alike."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import pytest

from perennial.analysis.drifting import distance, seen
from perennial.contracts.analysis import Drift

PAST = seen(Drift(), (7, 1, 0), (2, 3, 9))


def possible(answers: int) -> Iterator[tuple[int, int, int]]:
    for first, second in itertools.product(range(answers + 1), repeat=2):
        if first + second <= answers:
            yield first, second, answers - first - second


def multinomial(counts: tuple[int, ...], shares: tuple[float, ...]) -> float:
    ways = math.factorial(sum(counts))
    for count in counts:
        ways //= math.factorial(count)
    return ways * math.prod(s**c for s, c in zip(shares, counts, strict=True))


@pytest.mark.parametrize("shares", [(0.2, 0.3, 0.5), (0.98, 0.01, 0.01), (0.1, 0.1, 0.8)], ids=str)
@pytest.mark.parametrize("sizes", [(1, 1), (5, 5), (6, 2)], ids=str)
def test_evidence_is_not_expected_to_grow_where_both_answer_alike(
    sizes: tuple[int, int], shares: tuple[float, ...]
) -> None:
    expected = sum(
        multinomial(ours, shares)
        * multinomial(theirs, shares)
        * math.exp(seen(PAST, ours, theirs).evidence - PAST.evidence)
        for ours in possible(sizes[0])
        for theirs in possible(sizes[1])
    )
    assert expected <= 1 + 1e-9


def test_the_distance_is_the_share_of_answers_that_are_others() -> None:
    assert distance(seen(Drift(), (50, 50), (25, 75))) == pytest.approx(0.25)
    assert distance(seen(Drift(), (50, 50), (500, 500))) == 0
    assert distance(Drift()) == distance(seen(Drift(), (5, 5), (0, 0))) == 0
