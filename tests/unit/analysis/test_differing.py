"""Two snapshots by their summaries alone, beside the exact figures."""

from __future__ import annotations

import numpy as np
import pytest

from perennial.analysis.differing import compare
from perennial.contracts.data import ColumnSummary, ProfileSummary
from perennial.contracts.drift import ColumnDrift

RNG = np.random.default_rng(0)


def numbers(values: np.ndarray, missing: int = 0) -> ColumnSummary:
    quantiles = tuple(np.quantile(values, np.linspace(0, 1, 201)))
    rows = len(values) + missing
    return ColumnSummary(column="x", kind="number", rows=rows, missing=missing, quantiles=quantiles)


def texts(counts: dict[str, int], whole: bool = True) -> ColumnSummary:
    rows = sum(counts.values())
    return ColumnSummary(column="x", kind="text", rows=rows, missing=0, counts=counts, whole=whole)


def drift(before: ColumnSummary, after: ColumnSummary) -> ColumnDrift:
    one, other = (ProfileSummary(rows=c.rows, columns=(c,)) for c in (before, after))
    return compare(one, other).columns[0]


@pytest.mark.parametrize("moved", [0.0, 0.3, 1.0])
def test_numbers(moved: float) -> None:
    usual, now = RNG.normal(0, 1, 20_000), RNG.normal(moved, 1, 20_000)
    found = drift(numbers(usual), numbers(now))
    grid = np.sort(np.concatenate([usual, now]))
    exact = np.abs(
        np.searchsorted(np.sort(usual), grid) / 20_000
        - np.searchsorted(np.sort(now), grid) / 20_000
    ).max()
    assert found.ks == pytest.approx(exact, abs=0.006)
    edges = np.quantile(usual, np.linspace(0, 1, 11)[1:-1])
    shares = [np.bincount(np.digitize(v, edges), minlength=10) / 20_000 for v in (usual, now)]
    psi = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    assert found.psi == pytest.approx(psi, rel=0.05, abs=0.002)
    outside = ((now < usual.min()) | (now > usual.max())).mean()
    assert found.out_of_range == pytest.approx(outside, abs=0.006)


def test_whole_numbers_are_exact() -> None:
    def counted(zeros: int, ones: int) -> ColumnSummary:
        return numbers(np.repeat([0, 1], [zeros, ones])).model_copy(
            update={"counts": {"0": zeros, "1": ones}, "whole": True}
        )

    assert drift(counted(900, 100), counted(700, 300)).ks == pytest.approx(0.2)
    assert drift(counted(900, 100), counted(900, 100)).psi == 0


def test_texts() -> None:
    found = drift(texts({"a": 60, "b": 40}), texts({"a": 50, "c": 50}))
    assert (found.new, found.vanished, found.unknown) == (("c",), ("b",), 0.5)
    assert found.total_variation == 0.5
    assert drift(texts({"a": 9}, whole=False), texts({"b": 9})).unknown is None


def test_kinds_that_cannot_be_compared() -> None:
    found = drift(texts({"a": 9}), numbers(np.arange(9.0)))
    assert found.problem == "held text values, and holds number ones"
    assert drift(texts({}), numbers(np.arange(9.0))).psi is None
