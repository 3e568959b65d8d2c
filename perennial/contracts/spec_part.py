"""What every part of a spec is made of."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Environment = Literal["development", "testing", "staging", "production"]
ENVIRONMENTS: tuple[Environment, ...] = ("development", "testing", "staging", "production")
Duration = Annotated[
    str,
    Field(
        pattern=r"^[1-9][0-9]*(s|m|h|d)$",
        description="a whole number and a unit: 30s, 5m, 12h, 14d",
        examples=["5m", "14d"],
    ),
]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str) -> timedelta:
    """Read a `Duration`: `"14d"` is fourteen days."""
    match = re.fullmatch(r"([1-9][0-9]*)([smhd])", text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 30s, 5m, 12h or 14d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


class SpecPart(BaseModel):
    """Specs are strict: an unknown key is an error, since it is most often a typing mistake."""

    model_config = ConfigDict(frozen=True, extra="forbid")
