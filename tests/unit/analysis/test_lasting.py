"""M of the last n windows, the newest among them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from perennial.analysis.lasting import last
from perennial.contracts.analysis import Verdict
from perennial.contracts.drift import JudgedWindow, LastingPlan, Severity

START = datetime(2024, 1, 1, tzinfo=UTC)
PLAN = LastingPlan(windows=3, of=5)
VERDICTS: dict[str, Verdict] = {
    "p": "pass",
    "f": "fail",
    "i": "inconclusive",
    "e": "error",
    "-": "no_data",
}


def windows(letters: str, excess: float = 1.5) -> list[JudgedWindow]:
    return [
        JudgedWindow(start=START + timedelta(hours=hour), verdict=VERDICTS[letter], excess=excess)
        for hour, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "verdict", "severity", "said"),
    [
        ("", "no_data", "none", "no window was judged"),
        ("p", "pass", "none", "1 of the last 1 windows say pass"),
        ("f", "inconclusive", "low", "1 of the last 1 windows say fail, 3 of 5 are enough"),
        ("fff", "fail", "high", "3 of the last 3 windows say fail"),
        ("ffpf", "fail", "high", "3 of the last 4"),
        # the newest one has to be among them
        ("fffffp", "pass", "none", "1 of the last 5 windows say pass"),
        ("ffffi", "inconclusive", "low", "1 of the last 5 windows say inconclusive"),
        ("ffpppf", "inconclusive", "low", "2 of the last 5 windows say fail"),
        ("ppppffpf", "fail", "high", "3 of the last 5"),
        # a night without requests is not a night without drift
        ("ff------f", "fail", "high", "3 of the last 3"),
        ("fff-", "no_data", "none", "too little data"),
        ("eee", "error", "high", "3 of the last 3 windows say error"),
        ("ffe", "inconclusive", "low", "1 of the last 3 windows say error"),
        ("eef", "inconclusive", "low", "1 of the last 3 windows say fail"),
    ],
)
def test_windows(letters: str, verdict: Verdict, severity: Severity, said: str) -> None:
    found = last(windows(letters), PLAN)
    assert (found.verdict, found.severity) == (verdict, severity), found.reason
    assert said in found.reason


def test_twice_the_limit_is_critical_once_it_lasts() -> None:
    assert last(windows("fff", excess=2), PLAN).severity == "critical"
    assert last(windows("ff", excess=9), PLAN).severity == "low"
    assert last(windows("eee", excess=9), PLAN).severity == "high"


def test_a_window_that_is_judged_again_counts_once_and_as_it_is_now() -> None:
    again = [*windows("ff"), windows("ff")[1], windows("ff")[0]]
    assert last(again, PLAN).windows == 2
    corrected = [*windows("fff"), windows("ffp")[2]]  # labels that came late
    assert last(corrected, PLAN).verdict == "pass"


def test_one_window_may_be_enough_and_more_than_all_may_not() -> None:
    assert last(windows("pf"), LastingPlan(windows=1, of=1)).verdict == "fail"
    with pytest.raises(ValidationError, match="4 of 3 windows can never be"):
        LastingPlan(windows=4, of=3)
