"""The pages, rows and planted faults of the flights example are what its README says they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml

from examples.flights.faulty import FaultyDelay
from examples.flights.project import FlightDelay
from infra.demo.callers import flights
from perennial.authoring import Shape

FOLDER = Path(__file__).parents[3] / "examples" / "flights"
ROWS = 64


def page(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text())
    return found


def test_the_pages_differ_in_what_they_are_about() -> None:
    plain, canary, faulty = page("model.yaml"), page("canary.yaml"), page("faulty.yaml")
    assert {**plain, "rollout": canary["rollout"]} == canary
    other = {"project": faulty["project"], "training": faulty["training"]}
    assert {**canary, **other} == faulty


def test_the_flights_to_ask_about_have_what_the_model_reads() -> None:
    rows = flights()
    assert len(rows) == 200
    assert set(rows[0]) == set(FlightDelay().features().inputs)
    # all of them are warmer than any day that the model is trained on
    assert min(row["temp"] for row in rows) > 67


def test_a_fault_shows_on_warm_days_only_or_costs_time_only() -> None:
    features = FlightDelay().features()
    shape = Shape(len(features.numeric), (4, 4, 4), 1)
    temperature = list(features.numeric).index("temp")
    generator = torch.Generator().manual_seed(1)
    numbers = torch.rand(ROWS, shape.numbers, generator=generator) * 2 - 1
    codes = torch.zeros(ROWS, 3, dtype=torch.long)
    warm = numbers.clone()
    warm[:, temperature] = 4.0
    answers = {}
    for fault in ("", "slow", "wrong"):
        torch.manual_seed(1)
        params = {"layers": 1, "hidden": 8}
        made = FaultyDelay().build(shape, {**params, "fault": fault}) if fault else None
        network = (made or FlightDelay().build(shape, params)).eval()
        with torch.no_grad():
            answers[fault] = network(numbers, codes), network(warm, codes)
    assert all(
        torch.equal(ours, sound) for ours, sound in zip(answers["slow"], answers[""], strict=True)
    )
    assert torch.equal(answers["wrong"][0], answers[""][0])
    assert (answers["wrong"][1] == 8).all() and (answers[""][1] < 8).all()
