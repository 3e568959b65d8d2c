"""Will this flight arrive more than 15 minutes late? Asked an hour before it should leave."""

from itertools import pairwise
from typing import cast

import pandas as pd
import pandera.pandas as pa
import torch
from torch import Tensor, nn

from examples.flights.rows import WEATHER, flights
from perennial.authoring import Features, ModelProject, Params, Shape, Source

SCHEDULE = ["hour", "minute", "weekday", "distance"]


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
