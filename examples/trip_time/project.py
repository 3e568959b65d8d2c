"""How many minutes will this flight be in the air? Asked before it leaves."""

import importlib.util
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
from lightgbm import LGBMRegressor

from perennial.authoring import Features, ModelProject, Params, Shape, Source

SCHEDULE = ["month", "weekday", "hour", "distance"]
WEATHER = ["temp", "wind_dir", "wind_speed", "pressure"]


class TripTime(ModelProject):
    """Flights from New York in 2013 that arrived, with the weather where they left."""

    def load(self, source: Source) -> pd.DataFrame:
        """Those of `options.months`, from the package that the source names."""
        found = importlib.util.find_spec(source.uri)
        if found is None or found.origin is None:
            raise FileNotFoundError(f"the package {source.uri} is not installed")
        data = Path(found.origin).parent / "data"
        rows = pd.read_csv(data / "flights.csv.zip", parse_dates=["time_hour"])
        rows = rows[rows.month.isin(source.options["months"]) & rows.air_time.notna()]
        weather = pd.read_csv(data / "weather.csv", parse_dates=["time_hour"])
        rows = rows.merge(weather[["origin", "time_hour", *WEATHER]], "left")
        day = pd.to_datetime(rows[["year", "month", "day"]])
        flight = rows.carrier + rows.flight.astype(str)
        rows = rows.assign(
            weekday=day.dt.day_of_week,
            key=day.astype(str) + " " + flight + " from " + rows.origin,
        )
        return rows[list(self.features().columns)]

    def schema(self) -> pa.DataFrameSchema:
        """No flight within the country takes a day."""
        return pa.DataFrameSchema({"air_time": pa.Column(float, pa.Check.in_range(10, 900))})

    def features(self) -> Features:
        """All of it is known when the flight leaves."""
        return Features(
            target="air_time",
            numeric=[*SCHEDULE, *WEATHER],
            categorical=["carrier", "origin", "dest"],
            key="key",
            time="time_hour",
        )

    def build(self, shape: Shape, params: Params) -> LGBMRegressor:
        """Trees; the spec's `epochs` says how many."""
        return LGBMRegressor(
            num_leaves=int(params.get("leaves", 31)),
            learning_rate=float(params.get("rate", 0.1)),
        )
