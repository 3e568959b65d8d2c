"""How requests were divided: a fair game where it is as meant, and found where it is not."""

from __future__ import annotations

import math
import random

import pytest

from perennial.analysis.splitting import seen
from perennial.contracts.analysis import Split


@pytest.mark.parametrize("weights", [(0.5, 0.5), (0.98, 0.01, 0.01), (0.9, 0.1)], ids=str)
@pytest.mark.parametrize("before", [0, 3, 500], ids=str)
def test_the_next_request_is_a_fair_game(weights: tuple[float, ...], before: int) -> None:
    so_far = seen(Split(), [before] * len(weights), weights)
    expected = 0.0
    for variant, weight in enumerate(weights):
        counts = [int(other == variant) for other in range(len(weights))]
        expected += weight * math.exp(seen(so_far, counts, weights).evidence - so_far.evidence)
    assert expected == pytest.approx(1)


def test_windows_or_all_at_once_are_the_same_evidence() -> None:
    weights = (0.8, 0.1, 0.1)
    parts = seen(seen(Split(), (70, 10, 12), weights), (90, 3, 9), weights)
    assert parts.evidence == pytest.approx(seen(Split(), (160, 13, 21), weights).evidence)


def test_a_variant_that_loses_a_tenth_of_its_requests_is_found() -> None:
    dice, split, weights = random.Random(5), Split(), (0.5, 0.5)
    for _ in range(100):
        first = sum(dice.random() < 0.5 for _ in range(200))
        kept = sum(dice.random() < 0.9 for _ in range(200 - first))
        split = seen(split, (first, kept), weights)
    assert split.most > math.log(1000)
