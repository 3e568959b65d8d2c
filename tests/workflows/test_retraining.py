"""What follows a wish to train again where there is nothing new to learn."""

from __future__ import annotations

from perennial.contracts import triggers
from perennial.contracts.arrivals import Learnt
from tests.workflows.house import House
from tests.workflows.test_waiting_wishes import message


async def test_a_wish_that_would_learn_nothing_new_trains_nothing(house: House) -> None:
    await house.apply(retraining={})
    house.plan.learnt = Learnt(version=3)
    answer = await house.ask(triggers.RETRAIN, message(), triggers.TriggerRecorded)
    assert answer.run_id is not None
    result = await house.result(answer.run_id)
    assert (result.outcome, result.version) == ("denied", None)
    assert result.reason.startswith("there is nothing new to learn: version 3 learnt from the same")
    assert house.plan.calls == ["snapshot", "learnt"]
    # it is one that did not end in a champion: the next wish waits longer
    answer = await house.ask(triggers.RETRAIN, message(), triggers.TriggerRecorded)
    assert (answer.governed.decision, answer.governed.rule) == ("wait", "cooldown")
    # a person has a reason
    assert (await house.run(0.8)).outcome == "promoted"
    assert house.plan.calls.count("learnt") == 1
