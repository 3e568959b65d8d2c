"""What every part of a spec is made of."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Environment = Literal["development", "testing", "staging", "production"]
ENVIRONMENTS: tuple[Environment, ...] = ("development", "testing", "staging", "production")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=36500)


def duration(text: str) -> timedelta:
    """Read a `Duration`: `"14d"` is fourteen days.

    Raises:
        ValueError: it is none, or so long that a date and it may be no date any more.
    """
    match = re.fullmatch(r"([1-9][0-9]*)([smhd])", text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 30s, 5m, 12h or 14d")
    if (seconds := int(match[1]) * _SECONDS[match[2]]) > _LONGEST.total_seconds():
        raise ValueError(f"{text!r} is longer than a century")
    return timedelta(seconds=seconds)


def _is_duration(text: str) -> str:
    duration(text)
    return text


Duration = Annotated[
    str,
    Field(
        pattern=r"^[1-9][0-9]*(s|m|h|d)$",
        description="a whole number and a unit: 30s, 5m, 12h, 14d",
        examples=["5m", "14d"],
    ),
    AfterValidator(_is_duration),
]


class SpecPart(BaseModel):
    """Specs are strict: an unknown key is an error, since it is most often a typing mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")
