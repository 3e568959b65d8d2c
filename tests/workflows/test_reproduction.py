"""A version is trained again beside everything else, and nothing comes of it but a verdict."""

from __future__ import annotations

import pytest
from temporalio.client import WithStartWorkflowOperation, WorkflowFailureError
from temporalio.common import WorkflowIDConflictPolicy

from api.reproducing import reproduction_input
from perennial.contracts import ids, lifecycle, queues
from perennial.contracts.reproduction import REPRODUCE, REPRODUCTION_WORKFLOW, Reproduce
from tests.workflows.house import House, key


async def again(house: House, version: int, tolerance: float = 0.001) -> lifecycle.RunResult:
    request = key()
    ask = Reproduce(
        request_id=request,
        actor="ada",
        run_id=ids.run_id(house.model, request),
        model=house.model,
        version=version,
        tolerance=tolerance,
    )
    with house.store.database.reading() as session:
        input = reproduction_input(session, ask)
    start = WithStartWorkflowOperation(
        REPRODUCTION_WORKFLOW,
        input,
        id=ids.run_workflow(house.model, ask.run_id),
        task_queue=queues.CONTROL,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
    await house.client.execute_update_with_start_workflow(
        REPRODUCE,
        ask,
        start_workflow_operation=start,
        id=request,
        result_type=lifecycle.RunAccepted,
    )
    return await house.result(ask.run_id)


async def test_a_version_is_trained_again_and_compared(house: House) -> None:
    await house.apply(environments=["production"])
    await house.run(0.8)
    await house.run(0.9)
    await house.lever(lifecycle.RETIRE)
    await house.owner.result()
    house.plan.calls.clear()
    same = await again(house, 1, tolerance=0)
    assert (same.outcome, same.version, same.reached) == ("reproduced", 1, None)
    house.plan.score = 0.75
    other = await again(house, 1)
    assert other.outcome == "differs"
    assert "roc_auc is 0.75 instead of 0.8" in other.reason
    assert house.plan.calls == ["inputs", "train", "evaluate"] * 2, "nothing is registered"
    assert house.champions() == {"production": None}


async def test_rows_that_are_gone_end_it_before_anything_is_trained(house: House) -> None:
    await house.apply(environments=["production"])
    await house.run(0.8)
    house.plan.calls.clear()
    house.plan.gone = ("the rows of snapshot 0123 are gone",)
    with pytest.raises(WorkflowFailureError) as failure:
        await again(house, 1)
    assert "cannot be trained again: the rows of snapshot 0123 are gone" in str(failure.value.cause)
    assert house.plan.calls == ["inputs"]
