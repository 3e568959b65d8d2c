"""Cron expressions: what is read, and what is refused with which words."""

from __future__ import annotations

import re
from typing import Any

import pytest
from pydantic import ValidationError

from perennial.contracts.cron import Cron, Every, parse
from perennial.contracts.monitoring_plan import RetrainPlan
from tests.samples import spec


def days(text: str) -> list[int]:
    found = parse(text)
    assert isinstance(found, Cron)
    return [n for s in found.day_of_week for n in range(s.start, s.end + 1, s.step)]


@pytest.mark.parametrize(
    ("text", "field", "spans"),
    [
        ("0 4 * * MON", "minute", [(0, 0, 1)]),
        ("0 4 * * MON", "hour", [(4, 4, 1)]),
        ("0 4 * * MON", "day_of_month", [(1, 31, 1)]),
        ("*/20 * * * *", "minute", [(0, 59, 20)]),
        ("5/20 * * * *", "minute", [(5, 59, 20)]),
        ("0 6-18/3 * * *", "hour", [(6, 18, 3)]),
        ("0 0 1,15 * *", "day_of_month", [(1, 1, 1), (15, 15, 1)]),
        ("0 0 1 jan-mar,Jul *", "month", [(1, 3, 1), (7, 7, 1)]),
    ],
)
def test_each_field_is_a_list_of_spans(
    text: str, field: str, spans: list[tuple[int, int, int]]
) -> None:
    assert [(s.start, s.end, s.step) for s in getattr(parse(text), field)] == spans


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 * * *", [0, 1, 2, 3, 4, 5, 6]),
        ("0 0 * * 0", [0]),
        ("0 0 * * 7", [0]),
        ("0 0 * * SUN", [0]),
        ("0 0 * * fri-sun", [0, 5, 6]),
        ("0 0 * * 1-5", [1, 2, 3, 4, 5]),
        ("0 0 * * mon,wed", [1, 3]),
    ],
)
def test_the_week_begins_with_sunday_and_may_end_with_it(text: str, expected: list[int]) -> None:
    assert days(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "0 fields"),
        ("@daily", "1 fields"),
        ("@every", "is no interval: it is `@every` and a duration"),
        ("@every 2h 30m", "is no interval"),
        ("@every 2 hours", "is no interval"),
        ("@every 0h", "'0h' is not a duration"),
        ("@every 59s", "is more often than once a minute"),
        ("@every 36501d", "'36501d' is too long: a century at most"),
        ("@every 99999999999999d", "is too long: a century at most"),
        ("0 0 0 4 * * MON", "7 fields"),
        ("60 * * * *", "'60' is no minute: it takes 0 to 59"),
        ("0 24 * * *", "'24' is no hour"),
        ("0 0 0 * *", "'0' is no day of the month: it takes 1 to 31"),
        ("0 0 * 13 *", "or jan, feb"),
        ("0 0 * * funday", "'funday' is no day of the week"),
        ("0 18-6 * * *", "ends before it begins"),
        ("*/0 * * * *", "has the step 0"),
        ("0 0 * * L", "'l' is no day of the week"),
        ("0 -1 * * *", "'-1' is no hour"),
        ("0 1,, * * *", "'' is no hour"),
    ],
)
def test_what_is_no_expression_is_told_what_would_be(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        parse(text)


@pytest.mark.parametrize(("text", "seconds"), [("@every 36h", 129_600), ("@EVERY  60s", 60)])
def test_an_interval_is_a_duration(text: str, seconds: int) -> None:
    assert parse(text) == Every(seconds=seconds)


def test_a_spec_with_a_wrong_one_is_refused() -> None:
    assert RetrainPlan(schedule="0 4 * * MON").schedule == "0 4 * * MON"
    with pytest.raises(ValueError, match="five: minute"):
        RetrainPlan(schedule="weekly")


@pytest.mark.parametrize("longest", ["36501d", "99999999999999d", "9" * 5000 + "s"])
def test_a_spec_that_asks_for_more_than_a_century_is_refused(longest: str) -> None:
    assert RetrainPlan(cooldown="36500d").cooldown == "36500d"
    with pytest.raises(ValidationError, match="is too long: a century at most"):
        RetrainPlan(cooldown=longest)


@pytest.mark.parametrize(
    ("retraining", "source", "says"),
    [
        ({"new_rows": 5}, {"watermark": "changed"}, "at the times of retraining.schedule: add one"),
        ({"new_rows": 5, "schedule": "0 * * * *"}, {}, "by source.watermark, and the spec names"),
        ({"new_rows": 0, "schedule": "0 * * * *"}, {"watermark": "changed"}, "greater than"),
    ],
)
def test_new_rows_need_times_and_a_watermark(
    retraining: dict[str, Any], source: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValidationError, match=says):
        spec(retraining=retraining, source={"uri": "rows", **source})
