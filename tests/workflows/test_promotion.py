"""A version goes through the environments in order, judged in each, and never half-way."""

from __future__ import annotations

import pytest
from temporalio.client import WorkflowFailureError

from perennial.contracts import lifecycle
from perennial.contracts.errors import ClusterUnavailable, TrainingDiverged
from tests.workflows.house import House, key

ALL = ("development", "testing", "staging", "production")


async def test_a_good_model_becomes_champion_of_every_environment(house: House) -> None:
    await house.apply()
    result = await house.run(0.8)
    assert (result.outcome, result.version, result.reached) == ("promoted", 1, "production")
    assert house.champions() == dict.fromkeys(ALL, 1)


async def test_a_worse_model_is_denied_with_the_numbers(house: House) -> None:
    await house.apply()
    await house.run(0.8)
    result = await house.run(0.75)
    assert result.outcome == "denied"
    assert "0.75" in result.reason and "0.8" in result.reason
    assert house.champions() == dict.fromkeys(ALL, 1)


async def test_a_model_below_its_threshold_is_denied_with_metric_and_limit(house: House) -> None:
    await house.apply()
    result = await house.run(0.65)
    assert result.outcome == "denied"
    assert "roc_auc" in result.reason and "0.7" in result.reason
    assert house.champions() == {}


async def test_a_threshold_of_one_environment_stops_there(house: House) -> None:
    await house.apply(
        metrics={
            "primary": "roc_auc",
            "thresholds": [{"metric": "roc_auc", "min": 0.9, "environments": ["staging"]}],
        }
    )
    result = await house.run(0.8)
    assert (result.outcome, result.reached) == ("denied", "testing")
    assert house.champions() == {"development": 1, "testing": 1}


async def test_a_better_model_replaces_and_a_rollback_puts_back(house: House) -> None:
    await house.apply()
    await house.run(0.8)
    assert (await house.run(0.9)).outcome == "promoted"
    assert house.champions()["production"] == 2
    request = key()
    champion = await house.roll_back("production", request=request)
    assert (champion.version, champion.epoch) == (1, 3)
    again = await house.roll_back("production", request=request)
    assert again.epoch == 3, "a repeated request has one effect"
    assert house.champions()["production"] == 1
    assert house.champions()["staging"] == 2


async def test_a_version_can_be_promoted_again_by_hand(house: House) -> None:
    await house.apply()
    await house.run(0.8)
    await house.run(0.9)
    await house.roll_back("production")
    request = key()
    accepted = await house.ask(
        lifecycle.PROMOTE,
        lifecycle.Promote(
            request_id=request,
            actor="ada",
            run_id=f"{house.model}-again",
            version=2,
            environment="production",
        ),
        lifecycle.RunAccepted,
    )
    result = await house.result(accepted.run_id)
    assert (result.outcome, result.version) == ("promoted", 2)
    assert house.champions() == dict.fromkeys(ALL, 2)


@pytest.mark.parametrize(
    ("stage", "error"),
    [
        ("train", TrainingDiverged("the loss is NaN after epoch 2; lower the learning rate")),
        ("snapshot", ClusterUnavailable("Ray does not answer at 127.0.0.1:1")),
        ("register", ClusterUnavailable("MLflow does not answer at 127.0.0.1:1")),
    ],
)
async def test_a_failing_stage_ends_the_run_with_its_reason(
    house: House, stage: str, error: Exception
) -> None:
    await house.apply()
    house.plan.failures[stage] = error  # type: ignore[assignment]
    with pytest.raises(WorkflowFailureError) as failure:
        await house.run()
    assert str(error) in str(failure.value.cause)
    assert house.champions() == {}
    house.plan.failures.clear()
    assert (await house.run()).outcome == "promoted", "the next run is not held up"


async def test_invalid_data_names_rows_and_rule(house: House) -> None:
    await house.apply(source={"uri": "invalid rows"})
    with pytest.raises(WorkflowFailureError) as failure:
        await house.run()
    assert "x is null in 2 rows: 3, 7" in str(failure.value.cause)
    assert "train" not in house.plan.calls


async def test_aliases_follow_every_move(house: House) -> None:
    await house.apply()
    await house.run(0.8)
    await house.lever(lifecycle.RETIRE)
    await house.owner.result()  # the owner ends only when every alias has followed
    assert {call for call in house.plan.calls if call.startswith("alias")} == {
        f"alias {environment}" for environment in ALL
    }
    assert house.champions() == dict.fromkeys(ALL, None)
