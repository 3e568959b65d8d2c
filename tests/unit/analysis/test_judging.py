"""Measures in, verdict and sentence out."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from perennial.analysis.judging import judge
from perennial.contracts.analysis import Verdict
from perennial.contracts.drift import Band, ColumnDrift, DriftLimits, Side, WindowDrift

ROWS = 10_000
LIMITS = DriftLimits()


def column(name: str, **measured: Any) -> ColumnDrift:
    whole = Side(rows=ROWS)
    found = {"kind": "number", "psi": 0.01, "chance": 0.002, "reference": whole, "window": whole}
    return ColumnDrift.model_validate({"column": name, **found, **measured})


def window(*columns: ColumnDrift, **of_it: Any) -> WindowDrift:
    return WindowDrift(**{"rows": ROWS, "reference_rows": ROWS, "columns": columns, **of_it})


GONE = column("size", psi=None, chance=None, problem="the window has no such column")
FEW = Side(rows=ROWS, missing=0.96)


@pytest.mark.parametrize(
    ("drift", "verdict", "said"),
    [
        (window(column("a")), "pass", "columns: 1 within their limits, the largest PSI beyond"),
        (window(column("a"), rows=499), "no_data", "499 rows beside 10,000 of the reference, 500"),
        (window(column("a"), reference_rows=0), "no_data", "beside 0 of the reference"),
        (window(), "no_data", "columns: none of 0 has 500 known values on both sides"),
        (
            window(column("a", psi=0.15)),
            "inconclusive",
            "columns: a: PSI beyond chance 0.148, 0.100 is allowed",
        ),
        (window(column("a", psi=0.3)), "fail", "a: PSI beyond chance 0.298, 0.250 is allowed"),
        # so few rows may show as much where nothing has changed
        (window(column("a", psi=0.3, chance=0.25)), "pass", "chance 0.050"),
        (
            window(column("a", unknown=0.06)),
            "fail",
            "a: unknown values beyond chance 6.0%, 5.0% is allowed",
        ),
        (
            window(column("a", unknown=0.06, new=("ANC", "TVC", "XWA", "MVY"))),
            "fail",
            "a: unknown values beyond chance 6.0%, 5.0% is allowed (such as ANC, TVC, XWA)",
        ),
        (window(column("a", unknown=0.06, unknown_chance=0.055)), "pass", "within"),
        (
            window(column("a", out_of_range=0.02)),
            "inconclusive",
            "a: values out of range 2.0%, 1.0% is allowed",
        ),
        (
            window(column("a", window=Side(rows=ROWS, missing=0.3))),
            "fail",
            "a: change of missing values 30.0%, 20.0% is allowed",
        ),
        # what was missing and is not any more has changed, too
        (
            window(column("a", reference=Side(rows=ROWS, missing=0.1))),
            "inconclusive",
            "a: change of missing values 10.0%, 5.0% is allowed",
        ),
        # of so few known values nothing but that they are few is known
        (window(column("a", psi=9, window=FEW, reference=FEW)), "no_data", "none of 1 has 500"),
        (window(column("a"), GONE), "error", "columns: size: the window has no such column"),
        # nobody can say what a model does with rows that miss a column
        (
            window(column("a", psi=3), GONE),
            "error",
            "size: the window has no such column; a: PSI beyond chance 2.998",
        ),
        (
            window(*(column(name, psi=1) for name in "abcde")),
            "fail",
            "c: PSI beyond chance 0.998, 0.250 is allowed; 2 more",
        ),
        (
            window(column("a"), predictions=(column("prediction", psi=0.4),)),
            "fail",
            "predictions: prediction: PSI beyond chance 0.398",
        ),
        (
            window(column("a", psi=0.4), predictions=(column("prediction", problem="is text"),)),
            "error",
            "predictions: prediction: is text",
        ),
    ],
)
def test_verdicts(drift: WindowDrift, verdict: Verdict, said: str) -> None:
    found = judge(drift, LIMITS)
    assert found.verdict == verdict, found.reason
    assert said in found.reason


def test_what_moved_most_comes_first() -> None:
    quiet = column("quiet", psi=0.001)  # less than chance: no part of the change
    drift = window(
        column("a", psi=0.202),
        quiet,
        column("b", psi=0.602, unknown=0.02),
        GONE,
        predictions=(column("prediction", psi=5),),
    )
    found = judge(drift, LIMITS)
    assert [(each.column, round(each.share, 3)) for each in found.moved] == [
        ("b", 0.75),
        ("a", 0.25),
    ]
    assert [(each.column, each.measure, each.verdict) for each in found.findings] == [
        ("prediction", "psi", "fail"),
        ("b", "psi", "fail"),
        ("a", "psi", "inconclusive"),
        ("b", "unknown", "inconclusive"),
    ]
    assert found.excess == pytest.approx((5 - 0.002) / 0.25)
    assert found.columns.verdict == "error" and found.predictions is not None
    assert found.predictions.verdict == "fail"


def test_limits_are_those_that_are_given() -> None:
    moved = window(column("a", psi=0.9, ks=0.3, jensen_shannon=0.2, unknown=0.5))
    only = DriftLimits(psi=None, unknown=None, ks=Band(warn=0.1, alert=0.2))
    assert judge(moved, only).reason == "columns: a: KS 0.300, 0.200 is allowed"
    none = DriftLimits(psi=None, unknown=None)
    assert judge(moved, none).verdict == "pass"
    with pytest.raises(ValidationError, match=r"warn 0\.3 is above alert 0\.2"):
        Band(warn=0.3, alert=0.2)
