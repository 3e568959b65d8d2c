"""Labels that come while a version is rolled out, and after it has earned everything."""

from __future__ import annotations

from typing import Any

from tests.workflows.house import House
from tests.workflows.plane import Plane
from tests.workflows.test_rollout import STEPS, alone, decisions, plan, until, view

COPIES = {"percent": 0, "shadow": 20, "hold": "1s"}


async def begin(house: House, plane: Plane, *before: dict[str, Any]) -> None:
    """A first version, and a plan that judges the next one by labels alone."""
    house.plan.count_labels = plane.count_labels
    quality: dict[str, Any] = {"allowed": 0.02, "requests": 100, "every": "1s"}
    rails = {"errors": None, "slow": None, "quality": quality}
    await house.apply(
        environments=["production"],
        request_log={},
        rollout=plan(steps=[*before, *STEPS[:1]], guardrails=rails),
    )
    assert (await house.run(0.8)).outcome == "promoted"
    plane.wrong = {"control": 0.1, "challenger": 0.1, "champion": 0.1}


async def test_a_version_whose_copies_are_wrong_more_often_answers_nobody(
    house: House, plane: Plane
) -> None:
    await begin(house, plane, COPIES)
    plane.wrong["challenger"] = 0.4
    result = await house.run(0.9)
    assert result.outcome == "denied"
    assert "rolled back at copies of 20 %: wrong answers: 40.00 % of" in result.reason
    assert "requests have labels" in result.reason
    assert alone(plane.serving().deployment, 1) and decisions(house)[-1] == ("step", "deny", 0)
    assert not any(weights.get("challenger") for weights in plane.history)


async def test_it_waits_for_labels_and_goes_back_by_those_that_come_after_it(
    house: House, plane: Plane
) -> None:
    await begin(house, plane)
    plane.labelled = 0.0
    accepted = await house.start(0.9)
    seen = await view(house, waiting=True)
    assert seen.verdict == "no_data" and "labels of both sides have not come" in seen.reason
    plane.labelled = 0.5
    assert (await house.result(accepted.run_id)).outcome == "promoted"
    assert decisions(house)[-1] == ("step", "allow", 5)
    plane.wrong["champion"] = 0.5
    await until(lambda: house.champions() == {"production": 1})
    await until(lambda: decisions(house)[-1][:2] == ("guard", "deny"))
