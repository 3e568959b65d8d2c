from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from perennial.analysis.searching import applied, best, draw
from perennial.contracts.search import Trial
from perennial.contracts.search_plan import SearchPlan
from perennial.contracts.spec import Training


def plan(trials: int = 20, **space: Any) -> SearchPlan:
    return SearchPlan.model_validate({"space": space, "trials": trials})


def test_the_same_seed_draws_the_same_trials_and_none_twice() -> None:
    wide = plan(
        50,
        hidden={"values": [16, 32]},
        learning_rate={"min": 0.0001, "max": 1, "log": True},
        layers={"min": 1, "max": 4, "whole": True},
    )
    drawn = draw(wide, 7)
    assert drawn == draw(wide, 7) != draw(wide, 8)
    assert len(drawn) == 50 and len({tuple(each.values()) for each in drawn}) == 50
    rates = [float(each["learning_rate"]) for each in drawn]
    assert all(0.0001 <= rate <= 1 for rate in rates)
    assert 15 <= sum(rate < 0.01 for rate in rates) <= 35, "half of them below the middle, by log"
    assert {type(each["layers"]) for each in drawn} == {int}
    # one more trial leaves those before it as they were: a search may be given a larger budget
    assert draw(wide.model_copy(update={"trials": 51}), 7)[:50] == drawn


def test_a_space_of_few_values_is_tried_whole() -> None:
    drawn = draw(plan(20, a={"values": [1, 2]}, b={"values": [True, False]}), 0)
    assert len(drawn) == 4


@pytest.mark.parametrize(
    ("dimension", "said"),
    [
        ({}, "needs values, or min and max"),
        ({"min": 2, "max": 1}, "min below max"),
        ({"min": 0, "max": 1, "log": True}, "min has to be above 0"),
        ({"values": [1], "max": 2}, "has values, and so no min"),
        ({"values": []}, "at least 1 item"),
    ],
)
def test_a_dimension_that_cannot_be_is_refused(dimension: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        plan(a=dimension)


def test_parameters_go_where_they_belong() -> None:
    before = Training(params={"hidden": 8, "layers": 2})
    after = applied(before, {"learning_rate": 0.5, "hidden": 64})
    assert (after.learning_rate, after.params) == (0.5, {"hidden": 64, "layers": 2})
    with pytest.raises(ValueError, match="batch_size"):
        applied(before, {"batch_size": 0})


def trial(number: int, *scores: float, state: Any = "finished") -> Trial:
    return Trial(number=number, params={}, scores=scores, state=state)


@pytest.mark.parametrize(
    ("trials", "goal", "number"),
    [
        ([trial(0, 0.1, 0.5), trial(1, 0.1, 0.7)], "maximize", 1),
        ([trial(0, 0.1, 0.5), trial(1, 0.1, 0.7)], "minimize", 0),
        ([trial(0, 0.1, 0.5), trial(1, 0.9, state="stopped")], "maximize", 0),
        ([trial(0, 0.1, 0.5), trial(1, 0.9, 0.9, state="failed")], "maximize", 0),
        ([trial(0, 0.1, 0.5), trial(1, 0.9)], "maximize", 1),  # it learnt no more
        (
            [trial(0, 0.1, 0.5, state="stopped"), trial(1, 0.9, state="stopped")],
            "maximize",
            0,
        ),
        ([trial(1, 0.5), trial(0, 0.5)], "maximize", 0),
        ([trial(0, state="failed")], "maximize", None),
        ([], "maximize", None),
    ],
)
def test_the_best_is_of_those_that_finished_or_came_furthest(
    trials: list[Trial], goal: Any, number: int | None
) -> None:
    found = best(trials, goal)
    assert (found.number if found else None) == number
