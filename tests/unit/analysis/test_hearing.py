"""Parts of a window, and all its columns at once: heard where a plan says so."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from perennial.analysis.hearing import heard
from perennial.contracts.analysis import Assessment, Verdict
from perennial.contracts.beside_rows import Multivariate, SegmentVerdict
from perennial.contracts.drift import WindowVerdict
from perennial.contracts.monitoring_plan import MonitoringPlan


def window(verdict: Verdict, reason: str = "columns", excess: float = 0.5) -> WindowVerdict:
    columns = Assessment(verdict=verdict, reason=reason)
    return WindowVerdict(verdict=verdict, reason=reason, columns=columns, excess=excess)


def segment(name: str, verdict: Verdict, excess: float = 0.0) -> SegmentVerdict:
    found = window(verdict, f"columns of {name}", excess)
    return SegmentVerdict(segment=name, rows=900, share=0.1, verdict=found)


def together(verdict: Verdict) -> Multivariate:
    return Multivariate(auc=0.9, verdict=verdict, reason="domain classifier")


PARTS = (segment("a=1", "fail", 2.5), segment("a=2", "no_data"), segment("a=3", "pass"))


def test_nothing_else_is_heard_unless_it_is_named() -> None:
    assert heard(window("pass"), (), PARTS, together("error")) == window("pass")


def test_a_part_that_fails_fails_its_window() -> None:
    found = heard(window("pass"), ("segments",), PARTS, together("fail"))
    assert (found.verdict, found.reason) == ("fail", "a=1: columns of a=1")
    assert found.excess == 2.5, "so far beyond its limit that it is critical once it lasts"
    assert found.columns.verdict == "pass"


def test_all_columns_at_once() -> None:
    found = heard(window("pass"), ("together",), PARTS, together("fail"))
    assert (found.verdict, found.reason, found.excess) == ("fail", "domain classifier", 0.5)
    assert heard(window("pass"), ("together",), PARTS, None) == window("pass")


def test_rows_that_cannot_be_read_are_an_error_whatever_is_heard() -> None:
    """There are no segments then, and their silence would be taken for a pass."""
    for also in (("segments",), ("together",)):
        found = heard(window("pass"), also, (), together("error"))
        assert (found.verdict, found.reason) == ("error", "domain classifier")


@pytest.mark.parametrize("verdict", ["pass", "no_data"])
def test_what_says_nothing_changes_nothing(verdict: Verdict) -> None:
    quiet = (segment("a=1", verdict), segment("a=2", "no_data"))
    for mine in ("fail", "inconclusive", "pass"):
        said = heard(window(mine), ("segments", "together"), quiet, together(verdict))
        assert said == window(mine)


def test_a_window_that_is_not_judged_stays_so() -> None:
    assert heard(window("no_data"), ("segments",), PARTS, None) == window("no_data")


def test_an_error_goes_before_what_fails_and_three_are_told() -> None:
    parts = tuple(segment(f"a={number}", "fail") for number in range(5))
    found = heard(window("fail"), ("segments",), parts, None)
    told = "columns; a=0: columns of a=0; a=1: columns of a=1; 3 more"
    assert (found.verdict, found.reason) == ("fail", told)
    broken = heard(window("fail"), ("segments", "together"), parts, together("error"))
    assert (broken.verdict, broken.reason) == ("error", "domain classifier")


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        ({"drift": {"also": ["segments"]}}, "monitoring.segments no column"),
        ({"drift": {"also": ["quality"]}}, "'segments' or 'together'"),
    ],
)
def test_a_plan_that_hears_what_is_not_there_is_refused(plan: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        MonitoringPlan.model_validate(plan)
