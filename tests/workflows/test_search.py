"""A search comes before the training, and what it found is what is trained and kept."""

from __future__ import annotations

from perennial.contracts.records import ReadVersion
from tests.workflows.house import House


async def test_a_run_trains_with_what_its_search_found(house: House) -> None:
    space = {"score": {"values": [0.9]}, "learning_rate": {"values": [0.5]}}
    await house.apply(environments=["production"], search={"space": space, "trials": 3})
    result = await house.run(0.2)
    assert result.outcome == "promoted", "0.2 alone is below the threshold"
    assert house.plan.calls[:5] == ["snapshot", "validate", "profile", "search", "train"]
    evidence = house.store.read_version(ReadVersion(model=house.model, version=1)).evidence
    assert (evidence.params["learning_rate"], evidence.params["params"]) == (0.5, {"score": 0.9})
    assert evidence.search is not None and evidence.search.best.scores == (0.7,)
