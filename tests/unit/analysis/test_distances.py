"""Distances between shares, by hand."""

from __future__ import annotations

import math
import random

import pytest

from perennial.analysis.distances import LEAST, chance, jensen_shannon, psi, total_variation


@pytest.mark.parametrize(
    ("reference", "window", "index", "distance", "varied"),
    [
        ([0.5, 0.5], [0.5, 0.5], 0.0, 0.0, 0.0),
        ([1.0], [1.0], 0.0, 0.0, 0.0),
        ([], [], 0.0, 0.0, 0.0),
        ([0.5, 0.5], [0.25, 0.75], 0.25 * math.log(2) + 0.25 * math.log(1.5), 0.2209, 0.25),
        # nothing in common: as far apart as can be
        ([1.0, 0.0], [0.0, 1.0], 2 * (1 - LEAST) * math.log(1 / LEAST), 1.0, 1.0),
        # less than is told apart
        ([1.0, 0.0], [0.99995, 0.00005], 0.0, 0.0050, 0.00005),
    ],
)
def test_by_hand(
    reference: list[float], window: list[float], index: float, distance: float, varied: float
) -> None:
    for sides in ((reference, window), (window, reference)):
        assert psi(*sides) == pytest.approx(index, abs=1e-6)
        assert jensen_shannon(*sides) == pytest.approx(distance, abs=1e-4)
        assert total_variation(*sides) == pytest.approx(varied)


def test_chance_is_what_rows_show_that_have_not_changed() -> None:
    rng, bins, sizes = random.Random(5), 10, (3000, 1000)

    def shares(rows: int) -> list[float]:
        drawn = [rng.randrange(bins) for _ in range(rows)]
        return [drawn.count(place) / rows for place in range(bins)]

    mean = sum(psi(shares(sizes[0]), shares(sizes[1])) for _ in range(60)) / 60
    assert mean == pytest.approx(chance(bins, *sizes), rel=0.15)
    assert chance(1, 10, 10) == chance(0, 10, 10) == 0
