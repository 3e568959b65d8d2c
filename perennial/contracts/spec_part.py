"""What every part of a spec is made of."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Environment = Literal["development", "testing", "staging", "production"]
ENVIRONMENTS: tuple[Environment, ...] = ("development", "testing", "staging", "production")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_CENTURY = 36500  # days; longer, and a date and it may be no date any more


def duration(text: str) -> timedelta:
    """Read a `Duration`: `"14d"` is fourteen days.

    Raises:
        ValueError: it is none, or longer than a century.
    """
    return timedelta(seconds=_seconds(text, _CENTURY, "a century at most"))


def _seconds(text: str, days: int, says: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]*)([smhd])", text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 30s, 5m, 12h or 14d")
    count, unit = match.groups()
    # ten digits are a century even in seconds; thousands of them int() refuses
    if len(count) > 10 or (seconds := int(count) * _SECONDS[unit]) > days * _SECONDS["d"]:
        raise ValueError(f"{text!r} is too long: {says}")
    return seconds


def at_most(days: int, says: str) -> AfterValidator:
    """For a field of `DurationText`: refuse what is longer, and say what the longest is."""

    def check(text: str) -> str:
        _seconds(text, days, says)
        return text

    return AfterValidator(check)


DurationText = Annotated[
    str,
    Field(
        pattern=r"^[1-9][0-9]*(s|m|h|d)$",
        description="a whole number and a unit: 30s, 5m, 12h, 14d",
        examples=["5m", "14d"],
    ),
]
Duration = Annotated[DurationText, at_most(_CENTURY, "a century at most")]


class SpecPart(BaseModel):
    """Specs are strict: an unknown key is an error, since it is most often a typing mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")
