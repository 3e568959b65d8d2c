"""Counts in, verdict and sentence out."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from perennial.analysis import comparing, drifting, splitting
from perennial.analysis.assessing import assess, assess_drift, assess_split, worst
from perennial.contracts.analysis import (
    Assessment,
    Comparison,
    Counted,
    Drift,
    Guardrail,
    Split,
    Verdict,
)

ERRORS = Guardrail(name="errors", allowed=0.005, requests=1000)


def minutes(count: int, control: tuple[int, int], challenger: tuple[int, int]) -> Comparison:
    """So many equal windows of hits and requests."""
    comparison = Comparison()
    for _ in range(count):
        comparison = comparing.seen(
            comparison,
            Counted(hits=control[0], requests=control[1]),
            Counted(hits=challenger[0], requests=challenger[1]),
        )
    return comparison


@pytest.mark.parametrize(
    ("comparison", "verdict", "said"),
    [
        (minutes(0, (0, 0), (0, 0)), "no_data", "the control has answered no request"),
        (minutes(5, (0, 9), (0, 0)), "no_data", "the challenger has answered no request"),
        (minutes(5, (0, 0), (1, 9)), "no_data", "the control has answered no request"),
        (minutes(5, (1, 100), (1, 100)), "inconclusive", "1,000 of each are needed"),
        (minutes(12, (1, 100), (1, 100)), "pass", "1.00 % of 1,200 requests, 1.00 % of 1,200"),
        (minutes(12, (1, 100), (0, 100)), "pass", "0.00 % of 1,200 requests"),
        (minutes(2, (1, 1000), (7, 1000)), "inconclusive", "it is not certain yet"),
        (minutes(3, (1, 100), (20, 100)), "fail", "to 1 that it is worse, 20 to 1 is enough"),
        # certain, and less than matters
        (minutes(400, (10, 1000), (14, 1000)), "pass", "0.50 % more is allowed"),
    ],
)
def test_verdicts(comparison: Comparison, verdict: Verdict, said: str) -> None:
    found = assess(ERRORS, comparison, alpha=0.05)
    assert found.verdict == verdict, found.reason
    assert said in found.reason


@pytest.mark.parametrize(
    ("counts", "verdict", "said"),
    [
        ((0, 0), "no_data", "no request"),
        ((520, 480), "pass", "1,000 requests were divided 52.00 % for 50.00 %, 48.00 %"),
        ((6000, 4000), "error", "something loses or repeats requests"),
    ],
)
def test_a_division_that_is_off_is_an_error(
    counts: tuple[int, ...], verdict: Verdict, said: str
) -> None:
    split = splitting.seen(Split(), counts, (0.5, 0.5))
    found = assess_split(split, (0.5, 0.5), alpha=0.001)
    assert found.verdict == verdict
    assert said in found.reason


@pytest.mark.parametrize(
    ("windows", "verdict", "said"),
    [
        (0, "no_data", "the control has given none"),
        (1, "inconclusive", "500 of each are needed"),
        (9, "fail", "24.00 % differ between 900 of the challenger and 900 of the control"),
    ],
)
def test_answers_that_differ(windows: int, verdict: Verdict, said: str) -> None:
    drift = Drift()
    for _ in range(windows):
        drift = drifting.seen(drift, (50, 30, 20), (26, 34, 40))
    found = assess_drift(drift, allowed=0.1, requests=500, alpha=0.05)
    assert found.verdict == verdict, found.reason
    assert said in found.reason


def test_answers_that_differ_by_less_than_matters_pass() -> None:
    drift = Drift()
    for _ in range(200):
        drift = drifting.seen(drift, (500, 300, 200), (480, 310, 210))
    assert drift.most > 10
    found = assess_drift(drift, allowed=0.1, requests=500, alpha=0.05)
    assert found.verdict == "pass" and "2.00 % differ" in found.reason


@pytest.mark.parametrize(
    ("verdicts", "is_worst"),
    [
        (["pass", "pass"], "pass"),
        (["pass", "inconclusive"], "inconclusive"),
        (["inconclusive", "no_data"], "no_data"),
        (["no_data", "error", "pass"], "error"),
        (["error", "fail", "no_data"], "fail"),
        ([], "no_data"),
    ],
)
def test_the_worst_counts(verdicts: list[Verdict], is_worst: Verdict) -> None:
    found = worst([Assessment(verdict=verdict, reason=f"is {verdict}") for verdict in verdicts])
    assert found.verdict == is_worst
    reasons = [f"is {verdict}" for verdict in verdicts if verdict == is_worst]
    assert found.reason == ("; ".join(reasons) or "nothing was judged")


def test_more_hits_than_requests_are_refused() -> None:
    with pytest.raises(ValidationError, match="3 hits in 2 requests"):
        Counted(hits=3, requests=2)
