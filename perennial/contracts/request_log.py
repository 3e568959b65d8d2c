"""Which requests of a model's callers are kept."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from perennial.contracts.spec_part import Duration, SpecPart

EventTime = Literal["arrival", "header"]

WAITING_SECONDS = 5.0
"""The longest that a request waits in the memory of the process that answered it."""
WRITTEN_SECONDS = WAITING_SECONDS + 3.0
"""After which it is in a file, on any machine that is not overloaded."""

STRUCT_COLUMNS = 128
"""A vector of up to so many columns is a struct of them in the log, each written and read in one
piece. A longer one is a list: each column of a file takes a hundred bytes of its own."""


class RequestLog(SpecPart):
    """Which requests are kept, and how long. They may hold personal data: nothing is by default."""

    share: float = Field(default=1.0, gt=0, le=1, description="of the requests that are kept")
    keep: Duration = Field(default="30d", description="how long")
    event_time: EventTime = Field(
        default="arrival",
        description="arrival: a request is of the moment when it came. header: of the one that its "
        "x-event-time says (RFC 3339 with a zone), for what is scored in batches or sent again",
    )
