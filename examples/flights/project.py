"""Will this flight arrive more than 15 minutes late? Asked an hour before it should leave."""

import importlib.util
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import cast

import pandas as pd
import pandera.pandas as pa
import torch
from torch import Tensor, nn

from perennial.authoring import Features, ModelProject, Params, Shape, Source

SCHEDULE = ["hour", "minute", "weekday", "distance"]
WEATHER = ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]


class FlightDelay(ModelProject):
    """Flights from New York in 2013, with the weather there and how the day goes so far."""

    def load(self, source: Source) -> pd.DataFrame:
        """Flights that did arrive: those of `options.months`.

        As of an instant: those of the `options.days` before it whose arrival was known by then.
        """
        if source.as_of is None:
            rows = flights(source.uri, lambda all: all.month.isin(source.options["months"]))
        else:
            end = pd.Timestamp(source.as_of)
            begin = end - pd.Timedelta(days=source.options["days"])
            rows = flights(source.uri, lambda all: all.time_hour.between(begin, end))
            rows = rows[rows.landed <= end]
        return rows.loc[rows.landed.notna(), list(self.features().columns)]

    def schema(self) -> pa.DataFrameSchema:
        """What a flight looks like."""
        return pa.DataFrameSchema(
            {
                "late": pa.Column(int, pa.Check.isin([0, 1])),
                "origin": pa.Column(str, pa.Check.isin(["EWR", "JFK", "LGA"])),
                "distance": pa.Column(int, pa.Check.gt(0)),
            }
        )

    def features(self) -> Features:
        """All of it is known an hour before the flight should leave."""
        return Features(
            target="late",
            numeric=[*SCHEDULE, "origin_delay", "carrier_delay", *WEATHER],
            categorical=["carrier", "origin", "dest"],
            key="key",
            time="time_hour",
        )

    def build(self, shape: Shape, params: Params) -> nn.Module:
        """`layers` layers of `hidden` units; none is logistic regression."""
        return Delay(shape, int(params.get("hidden", 32)), int(params.get("layers", 0)))


def flights(package: str, wanted: Callable[[pd.DataFrame], pd.Series]) -> pd.DataFrame:
    """Flights with all that is known of them an hour before they should leave, and their end.

    Args:
        package: that holds the year.
        wanted: which of the year's flights.

    Returns:
        The project's columns, and `landed`: when it was known whether it is late; missing where
        the flight never arrived.
    """
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"the package {package} is not installed")
    data = Path(found.origin).parent / "data"
    rows = pd.read_csv(data / "flights.csv.zip", parse_dates=["time_hour"])
    rows = rows[wanted(rows)]
    weather = pd.read_csv(data / "weather.csv", parse_dates=["time_hour"])
    # who left over an hour before the hour of this flight, and how late: known when we ask
    left = rows.time_hour + pd.to_timedelta(rows.minute + rows.dep_delay, unit="min")
    seen = rows.assign(time_hour=left.dt.floor("h") + pd.Timedelta(hours=2))
    for by in (["origin"], ["origin", "carrier"]):
        known = seen.groupby([*by, "time_hour"]).dep_delay.mean().rename(f"{by[-1]}_delay")
        rows = rows.merge(known.reset_index(), on=[*by, "time_hour"], how="left")
    rows["day"] = pd.to_datetime(rows[["year", "month", "day"]])
    rows["weekday"] = rows.day.dt.day_of_week
    flight = rows.carrier + rows.flight.astype(str)
    rows["key"] = rows.day.astype(str) + " " + flight + " from " + rows.origin
    rows["late"] = (rows.arr_delay > 15).astype("int64")
    flown = pd.to_timedelta(rows.minute + rows.dep_delay + rows.air_time, unit="min")
    rows["landed"] = (rows.time_hour + flown).where(rows.arr_delay.notna())
    return rows.merge(weather[["origin", "time_hour", *WEATHER]], "left")


class Delay(nn.Module):
    """Numbers and embedded categories through a small network."""

    def __init__(self, shape: Shape, hidden: int, layers: int) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(nn.Embedding(codes, 4) for codes in shape.categories)
        widths = [shape.numbers + 4 * len(shape.categories), *[hidden] * layers]
        body = [part for a, b in pairwise(widths) for part in (nn.Linear(a, b), nn.ReLU())]
        self.body = nn.Sequential(*body, nn.Linear(widths[-1], shape.outputs))

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Logits `[batch, 1]`."""
        parts = [numbers, *(embed(codes[:, i]) for i, embed in enumerate(self.embeddings))]
        return cast(Tensor, self.body(torch.cat(parts, dim=1)))
