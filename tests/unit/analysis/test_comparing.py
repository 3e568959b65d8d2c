"""No bet can be expected to grow where the challenger is no worse, and where it is they do."""

from __future__ import annotations

import itertools
import math
import random

import pytest

from perennial.analysis.comparing import ODDS, evidence, requests_to_find, seen
from perennial.contracts.analysis import Comparison, Counted

SHARES = (0.001, 0.02, 0.3, 0.5, 0.9)
ALPHA = 0.05


def binomial(hits: int, requests: int, share: float) -> float:
    return math.comb(requests, hits) * share**hits * (1 - share) ** (requests - hits)


def after(*windows: tuple[int, int, int, int]) -> Comparison:
    """Windows as hits and requests of the control, hits and requests of the challenger."""
    comparison = Comparison()
    for hits, requests, their_hits, their_requests in windows:
        comparison = seen(
            comparison,
            Counted(hits=hits, requests=requests),
            Counted(hits=their_hits, requests=their_requests),
        )
    return comparison


@pytest.mark.parametrize("sizes", [(1, 1), (9, 9), (12, 2), (1, 8)], ids=str)
@pytest.mark.parametrize("past", [(0, 5), (3, 40), (20, 40)], ids=str)
def test_no_bet_is_expected_to_grow_where_the_challenger_is_no_worse(
    past: tuple[int, int], sizes: tuple[int, int]
) -> None:
    begin = after((*past, *past))
    ours, theirs = sizes
    windows = list(itertools.product(range(ours + 1), range(theirs + 1)))
    grown = {
        window: after((*past, *past), (window[0], ours, window[1], theirs)) for window in windows
    }
    for share, lower in itertools.product(SHARES, (1.0, 0.7)):
        for bet in range(len(ODDS)):
            expected = sum(
                binomial(hits, ours, share)
                * binomial(their_hits, theirs, share * lower)
                * math.exp(grown[hits, their_hits].bets[bet] - begin.bets[bet])
                for hits, their_hits in windows
            )
            assert expected <= 1 + 1e-9, (share, lower, ODDS[bet])


def test_one_in_twenty_fails_at_most_however_often_one_looks() -> None:
    dice, failed, canaries = random.Random(7), 0, 600
    for _ in range(canaries):
        comparison = Comparison()
        for _ in range(120):
            window = [
                Counted(requests=10, hits=sum(dice.random() < 0.1 for _ in range(10)))
                for _ in range(2)
            ]
            comparison = seen(comparison, window[0], window[1])
        failed += comparison.most >= -math.log(ALPHA)
    assert failed <= ALPHA * canaries


@pytest.mark.parametrize(
    ("usual", "raised"), [(0.01, 0.03), (0.01, 0.2), (0.1, 0.15), (0.5, 0.9)], ids=str
)
def test_what_is_worse_is_found_within_thrice_the_requests_that_were_told(
    usual: float, raised: float
) -> None:
    dice, promised = random.Random(3), 3 * requests_to_find(usual, raised, ALPHA)
    each = max(5, promised // 40)
    found = 0
    for _ in range(50):
        comparison = Comparison()
        while comparison.challenger.requests < promised:
            hits = [sum(dice.random() < share for _ in range(each)) for share in (usual, raised)]
            comparison = seen(
                comparison,
                Counted(requests=each, hits=hits[0]),
                Counted(requests=each, hits=hits[1]),
            )
        found += comparison.most >= -math.log(ALPHA)
    assert found >= 45


def test_a_window_without_a_past_or_without_one_side_is_no_evidence() -> None:
    assert evidence(after((0, 50, 50, 50)).bets) == 0
    assert evidence(after((0, 50, 0, 0), (0, 50, 0, 0)).bets) == 0
    assert evidence(after((0, 50, 0, 50), (0, 0, 50, 50)).bets) == 0
    assert evidence(()) == 0


def test_the_most_evidence_is_kept_when_it_shrinks_again() -> None:
    worse = after((1, 100, 1, 100), (1, 100, 30, 100))
    better = after((1, 100, 1, 100), (1, 100, 30, 100), (60, 100, 0, 100))
    assert evidence(better.bets) < evidence(worse.bets) == worse.most == better.most


def test_less_than_any_bet_is_on_cannot_be_promised() -> None:
    with pytest.raises(ValueError, match=r"0\.101 instead of 0\.1"):
        requests_to_find(0.1, 0.101, ALPHA)
